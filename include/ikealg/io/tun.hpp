// SPDX-License-Identifier: Apache-2.0
/// TUN and TAP: a network device of the kernel whose cable ends in this program (the kernel's documentation, tuntap).
///
/// TUN carries IP packets without a link header, TAP Ethernet frames. The program is the kernel's neighbour, not the
/// device: on a TAP it has a MAC address of its own. The kernel completes checksums and cuts large packets before it hands
/// them over, since nothing else is asked for.
///
/// What is delivered: on a TAP, frames to this program's address, to groups and to all, and to others only when
/// `promiscuous` (a device in a bridge gets floods). What is lost is counted: `counters().receive_errors` (longer than a
/// buffer, because the device's MTU has been raised), `details()`. When no buffer is free, packets wait with the kernel,
/// which drops beyond the device's queue (txqueuelen); the slots of the burst that is asked for give theirs back first.
/// When `transmit` finds the device down, it refuses, `state()` is failed and `error()` says so, until the device is up
/// and `receive` or `transmit` is called. A device that was deleted does not come back.
///
/// Thread safety: one thread, with the frames. Complexity: one system call a packet, one an empty `receive`. Nothing is
/// allocated after `create`. On other systems this header declares nothing.
#ifndef IKEALG_IO_TUN_HPP
#define IKEALG_IO_TUN_HPP

#if defined(__linux__)

#include <fcntl.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>

#include "ikealg/base/configuration_error.hpp"
#include "ikealg/base/hash.hpp"
#include "ikealg/io/frame.hpp"
#include "ikealg/io/linux_device.hpp"
#include "ikealg/io/linux_port.hpp"
#include "ikealg/io/live_io.hpp"

namespace ikealg::inline v0::io {

enum class tun_kind : std::uint8_t { tun, tap };

struct tun_options {
    /// A persistent device of this kind is opened, else one is made that goes with the port. "%d" in it becomes a number.
    std::string device{};
    tun_kind kind = tun_kind::tap;
    zone_id zone{};             ///< of all packets received
    std::size_t frames = 4096;  ///< buffers: in the host's hands at one time
    std::optional<wire::mac_address>
        mac{};                 ///< of this program's end of a TAP; derived from the device's name when absent
    bool promiscuous = false;  ///< deliver frames to other hosts
    bool bring_up = false;     ///< set the device up
};

/// What happened besides `io_counters`, since the port was made.
struct tun_counters {
    std::uint64_t other_host = 0;  ///< frames to others, dropped
    std::uint64_t no_buffer = 0;   ///< times that a `receive` ended because all buffers were out
    friend constexpr bool operator==(const tun_counters&, const tun_counters&) = default;
};

class tun_port : public detail::linux_port {
public:
    /// Opens or makes the device. Errors name it and what the system said. A device that is down is a warning.
    [[nodiscard]] static built<tun_port> create(const tun_options& options) {
        configuration_report report;
        tun_port port{options};
        port.open(options, report);
        return opened(std::move(port), std::move(report));
    }
    /// A locally administered address for this program's end of the device.
    [[nodiscard]] static wire::mac_address derive_mac(std::string_view device) noexcept {
        std::array<char, 2 * sizeof(std::uint64_t)> name{};
        std::copy_n(device.begin(), std::min(device.size(), name.size()), name.begin());
        std::array<std::uint64_t, 2> words{};
        std::memcpy(words.data(), name.data(), name.size());
        std::uint64_t mixed = keyed_hash(words, hash_secret::from_seed(0));
        wire::mac_address mac;
        for (std::uint8_t& octet : mac.octets) {
            octet = static_cast<std::uint8_t>(mixed);
            mixed >>= 8U;
        }
        mac.octets[0] = static_cast<std::uint8_t>((mac.octets[0] & 0xfcU) | 0x02U);
        return mac;
    }

    // The contract of packet_io.hpp and live_io.hpp.

    [[nodiscard]] std::size_t receive(std::span<frame> burst) noexcept {
        std::size_t n = 0;
        std::size_t skipped = 0;
        while (n < burst.size() && skipped < most_skipped && make_room(burst[n])) {
            const mutable_bytes room = fresh_.room();
            std::uint8_t beyond = 0;  // shows that a packet did not fit
            std::array<iovec, 2> parts{{{room.data(), room.size()}, {&beyond, 1}}};
            const ssize_t size = ::readv(file_.get(), parts.data(), static_cast<int>(parts.size()));
            if (size < 0) {
                if (errno == EINTR) {
                    continue;
                }
                if (errno != EAGAIN) {
                    note_error(errno);
                }
                break;
            }
            if (settle(static_cast<std::size_t>(size))) {
                burst[n++] = std::move(fresh_);
            } else {
                ++skipped;
            }
        }
        counters_.received += n;
        if (n == 0 && fault_) [[unlikely]] {
            (void)recover();
        }
        return n;
    }
    /// Asks for the device's MTU and state. A TAP's address on this side is the port's own, whatever becomes of the kernel's.
    void refresh() noexcept { (void)recover(); }
    [[nodiscard]] std::size_t transmit(std::span<frame> burst, zone_id to) noexcept {
        if (to != zone_ || (fault_ && !recover())) {
            return 0;
        }
        std::size_t n = 0;
        while (n < burst.size()) {
            frame& f = burst[n];
            if (!sendable(f)) {
                ++counters_.transmit_errors;
            } else if (const bytes whole = f.wire(); ::write(file_.get(), whole.data(), whole.size()) >= 0) {
                ++counters_.transmitted;
            } else if (errno == EINTR) {
                continue;
            } else if (is_device_error(errno)) {
                note_error(errno);
                break;
            } else if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) {
                break;
            } else {
                ++counters_.transmit_errors;  // what the device does not carry, such as no IP on a TUN
            }
            f.reset();
            ++n;
        }
        return n;
    }
    [[nodiscard]] bool has_link_layer() const noexcept { return kind_ == tun_kind::tap; }
    [[nodiscard]] int fd() const noexcept { return file_.get(); }

    // Besides.

    [[nodiscard]] tun_counters details() const noexcept { return details_; }

private:
    static constexpr std::size_t most_skipped = 256;  ///< by one `receive`: a flood to others must not keep it for ever

    explicit tun_port(const tun_options& options)
        : linux_port{options.device, options.zone, options.promiscuous}, kind_{options.kind} {}

    void open(const tun_options& options, configuration_report& report) {
        const auto fail = [&](std::string_view what, int error) {
            report.error(device_, detail::device_error(device_, what, error));
        };
        if (!check_name(report)) {
            return;
        }
        file_ = detail::unique_fd{::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK)};
        if (!file_) {
            fail("open /dev/net/tun", errno);
            return;
        }
        ifreq request{};
        std::copy(name_.begin(), name_.end(), &request.ifr_name[0]);
        request.ifr_flags = static_cast<short>((kind_ == tun_kind::tap ? IFF_TAP : IFF_TUN) | IFF_NO_PI);
        if (::ioctl(file_.get(), TUNSETIFF, &request) != 0) {
            // EINVAL is also what a device of another kind, or one that is not a TUN or TAP at all, answers.
            fail(kind_ == tun_kind::tap ? "open it as a TAP device" : "open it as a TUN device", errno);
            return;
        }
        std::copy_n(&request.ifr_name[0], name_.size(), name_.begin());
        device_.assign(name_.data());
        // A persistent device keeps what its last user asked for.
        if (::ioctl(file_.get(), TUNSETOFFLOAD, 0UL) != 0) {
            fail("switch offloads off", errno);
            return;
        }
        control_ = detail::unique_fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
        if (!control_) {
            fail("open a socket to ask for it", errno);
            return;
        }
        if (options.bring_up && !bring_up()) {
            fail("set it up", errno);
            return;
        }
        const detail::device_facts facts = detail::query_device(control_.get(), name_);
        if (facts.error != 0) {
            fail("find the device", facts.error);
            return;
        }
        mac_ = kind_ == tun_kind::tun ? wire::mac_address{} : options.mac.value_or(derive_mac(device_));
        if (kind_ == tun_kind::tap && (mac_ == facts.mac || mac_.is_multicast())) {
            if (options.mac) {
                report.error(device_,
                             device_ + ": " + to_string(mac_) +
                                 (mac_.is_multicast() ? " is a group address" : " is the kernel's own address"));
                return;
            }
            mac_.octets.back() ^= 1U;
        }
        pool_ = frame_pool{options.frames, facts.mtu};
        mtu_ = facts.mtu;
        check_up(facts, report);
    }
    bool bring_up() noexcept {
        ifreq request{};
        std::copy(name_.begin(), name_.end(), &request.ifr_name[0]);
        if (::ioctl(control_.get(), SIOCGIFFLAGS, &request) != 0) {
            return false;
        }
        request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
        return ::ioctl(control_.get(), SIOCSIFFLAGS, &request) == 0;
    }

    /// What a write says of a device that is down (EIO) or gone.
    [[nodiscard]] static constexpr bool is_device_error(int error) noexcept {
        return error == EIO || error == EBADFD || error == ENODEV || error == ENXIO;
    }
    void note_error(int error) noexcept {
        fault_ = error == EIO ? detail::device_fault::down() : detail::device_fault::gone("use the device", error);
    }
    bool recover() noexcept {
        if (fault_.what == detail::device_fault::trouble::gone) {
            return false;
        }
        const detail::device_facts facts = detail::query_device(control_.get(), name_);
        if (facts.error != 0) {
            fault_ = detail::device_fault::gone("use the device", facts.error);
        } else if (facts.up()) {
            mtu_ = std::min(facts.mtu, pool_.capacity());
            fault_ = {};
        }
        return !fault_;
    }

    /// Whether `fresh_` has a buffer now. `old` is what it is to replace: its buffer may be the one that is wanted.
    [[nodiscard]] bool make_room(frame& old) noexcept {
        if (!fresh_) {
            fresh_ = pool_.make(0, zone_);
        }
        if (!fresh_) {
            pollfd waiting{file_.get(), POLLIN, 0};
            if (::poll(&waiting, 1, 0) <= 0) {
                return false;
            }
            if (pool_.made(old)) {
                old.reset();
                fresh_ = pool_.make(0, zone_);
            }
            details_.no_buffer += fresh_ ? 0U : 1U;
        }
        return bool{fresh_};
    }
    /// Makes `size` bytes read into `fresh_` a packet; false when it is not to be delivered.
    [[nodiscard]] bool settle(std::size_t size) noexcept {
        const mutable_bytes room = fresh_.room();
        if (size > room.size()) {
            ++counters_.receive_errors;
            return false;
        }
        std::size_t link = 0;
        if (kind_ == tun_kind::tap) {
            link = detail::ethernet_length(room.first(size));
            if (link == 0) {
                ++counters_.receive_errors;
                return false;
            }
            const auto to = wire::mac_address::load(room.data());
            if (!promiscuous_ && !to.is_multicast() && to != mac_) {
                ++details_.other_host;
                return false;
            }
        }
        fresh_.settle(link, size);
        return true;
    }
    [[nodiscard]] bool sendable(const frame& f) const noexcept {
        const std::size_t link = f.link_header().size();
        const bool link_fits = kind_ == tun_kind::tap ? link >= wire::ethernet_view::header_size : link == 0;
        return link_fits && f.network_length() != 0 && f.network_length() <= mtu_;
    }

    tun_kind kind_;
    detail::unique_fd file_;
    detail::unique_fd control_;
    tun_counters details_;
};

static_assert(live_io<tun_port>);

}  // namespace ikealg::inline v0::io

#endif  // defined(__linux__)

#endif
