// SPDX-License-Identifier: Apache-2.0
/// A network device through Linux packet sockets with rings (TPACKET_V3): the live adapter that needs no driver.
///
/// A frame is copied out of the receive ring into a buffer of the port's pool, so that a gateway may hold it for seconds
/// without pinning the block of many that it came in. What the kernel left to hardware is done (ring_to_frame.hpp):
/// partial checksums are completed, a packet of many (TSO of a neighbour on a veth, GRO) is cut into segments, a VLAN tag
/// that was taken out is put back.
///
/// What is delivered: frames of every type to this host, to groups and to all; frames to other hosts only when
/// `promiscuous`; never what leaves by the device, the port's own included. The kernel's own stack sees all of them, too:
/// the device should have no address there, or the kernel answers what the gateway forwards.
///
/// What is lost is counted: `counters().receive_errors` (damaged, or too large to be held or cut), `details()` (ring full,
/// other hosts). A frame that the device refuses after all, because its MTU has become smaller, moves from `transmitted`
/// to `transmit_errors`. Behind tags other than one of 802.1Q, what it takes is 4 below `mtu()` for each of the others.
///
/// When no buffer is free, frames wait in the ring; the slot of the burst that is to be filled gives its own back first.
/// A device that is down or gone makes `state()` failed and `error()` say so; the port refuses to transmit until the
/// device, or another of its name, is up, and goes on by itself at the next `receive` or `transmit`.
///
/// Latency: the kernel hands received packets over by the block, `block_timeout` after the first or when it is full.
/// Thread safety: one thread, with the frames. Complexity: linear in the bytes; one system call a `transmit` burst and
/// one an empty `receive`. Nothing is allocated after `create`. On other systems this header declares nothing.
#ifndef IKEALG_IO_AF_PACKET_HPP
#define IKEALG_IO_AF_PACKET_HPP

#if defined(__linux__)

#include <arpa/inet.h>
#include <linux/if_ether.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "ikealg/base/configuration_error.hpp"
#include "ikealg/io/frame.hpp"
#include "ikealg/io/linux_device.hpp"
#include "ikealg/io/linux_port.hpp"
#include "ikealg/io/live_io.hpp"
#include "ikealg/io/packet_ring.hpp"
#include "ikealg/io/ring_to_frame.hpp"

namespace ikealg::inline v0::io {

struct af_packet_options {
    std::string device{};                                      ///< of this network namespace, with Ethernet frames
    zone_id zone{};                                            ///< of all frames received
    std::size_t frames = 4096;                                 ///< buffers: in the host's hands at one time
    std::size_t receive_ring = std::size_t{16} * 1024 * 1024;  ///< bytes, at least 512 KB, at most 1 GB
    std::size_t transmit_ring = std::size_t{2} * 1024 * 1024;  ///< bytes
    unsigned block_timeout = 1;                                ///< ms, at least 1
    bool promiscuous = false;                                  ///< deliver frames to other hosts
    bool qdisc_bypass = false;  ///< straight to the driver: faster, unshaped, and unseen by other packet sockets
};

/// What happened besides `io_counters`, since the port was made.
struct af_packet_counters {
    std::uint64_t kernel_drops = 0;  ///< arrived while the ring was full, or of a kind that the kernel cannot describe
    std::uint64_t ring_full = 0;     ///< times that the ring was
    std::uint64_t other_host = 0;    ///< frames to others, dropped
    std::uint64_t checksums_completed = 0;  ///< frames
    std::uint64_t large_packets = 0;        ///< cut into segments, which `received` counts
    std::uint64_t no_buffer = 0;            ///< times that a `receive` ended because all buffers were out
    friend constexpr bool operator==(const af_packet_counters&, const af_packet_counters&) = default;
};

class af_packet_port : public detail::linux_port {
public:
    /// Opens the device. Errors name it and what the system said. A device that is down is a warning.
    [[nodiscard]] static built<af_packet_port> create(const af_packet_options& options) {
        configuration_report report;
        af_packet_port port{options};
        port.open(options, report);
        return opened(std::move(port), std::move(report));
    }

    // The contract of packet_io.hpp and live_io.hpp.

    [[nodiscard]] std::size_t receive(std::span<frame> burst) noexcept {
        push();
        std::size_t n = 0;
        std::size_t skipped = 0;
        while (n < burst.size() && skipped < most_skipped) {
            if (!pieces_) {
                const auto arrived = receive_ring_.front();
                if (!arrived) {
                    break;
                }
                if (!wanted(*arrived)) {
                    receive_ring_.pop();
                    ++skipped;
                    continue;
                }
                if (detail::large_packet::is_one(*arrived, pool_.capacity())) {
                    begin_pieces(*arrived);
                    continue;
                }
                if (!make_room(burst[n])) {
                    break;
                }
                const bool good = detail::to_frame(*arrived, fresh_);
                details_.checksums_completed += good && arrived->undone.is_partial() ? 1U : 0U;
                receive_ring_.pop();
                if (!good) {
                    ++counters_.receive_errors;
                    continue;
                }
            } else {
                if (!make_room(burst[n])) {
                    break;
                }
                pieces_.next(fresh_);
                if (!pieces_) {
                    receive_ring_.pop();
                }
            }
            burst[n++] = std::move(fresh_);
        }
        counters_.received += n;
        if (n == 0 && !burst.empty()) {
            look_after_device();
        }
        return n;
    }
    /// Asks for the device's address, MTU and state, which the port does by itself only when something has failed: nothing tells it that the
    /// device has another address. A few system calls.
    void refresh() noexcept { (void)recover(); }
    [[nodiscard]] std::size_t transmit(std::span<frame> burst, zone_id to) noexcept {
        if (to != zone_ || (fault_ && !recover())) {
            return 0;
        }
        std::size_t n = 0;
        for (frame& f : burst) {
            if (!sendable(f)) {
                ++counters_.transmit_errors;
            } else if (transmit_ring_.put(f.wire()) || (push() && transmit_ring_.put(f.wire()))) {
                ++counters_.transmitted;
            } else {
                break;
            }
            f.reset();
            ++n;
        }
        push();
        return n;
    }
    [[nodiscard]] static constexpr bool has_link_layer() noexcept { return true; }
    [[nodiscard]] int fd() const noexcept { return receive_socket_.get(); }

    // Besides.

    /// Asks the kernel for its part.
    [[nodiscard]] af_packet_counters details() noexcept {
        tpacket_stats_v3 news{};
        socklen_t size = sizeof news;
        if (::getsockopt(receive_socket_.get(), SOL_PACKET, PACKET_STATISTICS, &news, &size) == 0) {
            details_.kernel_drops += news.tp_drops;  // the kernel starts again from 0
            details_.ring_full += news.tp_freeze_q_cnt;
        }
        return details_;
    }
    /// Frames taken that the kernel could not send yet. The next `receive` or `transmit` tries again.
    [[nodiscard]] std::size_t pending() const noexcept { return transmit_ring_.pending(); }

private:
    static constexpr std::size_t max_ring = std::size_t{1} << 30U;  ///< kernel memory
    static constexpr std::size_t most_skipped =
        1024;  ///< by one `receive`: a flood to others must not keep it for ever

    explicit af_packet_port(const af_packet_options& options)
        : linux_port{options.device, options.zone, options.promiscuous} {}

    void open(const af_packet_options& options, configuration_report& report) {
        const auto fail = [&](std::string_view what, int error) {
            report.error(device_, detail::device_error(device_, what, error));
        };
        if (!check_name(report)) {
            return;
        }
        for (const auto& [what, size] :
             {std::pair{"receive", options.receive_ring}, {"transmit", options.transmit_ring}}) {
            if (size > max_ring) {
                report.error(device_, device_ + ": a " + what + " ring of " + std::to_string(size) +
                                          " bytes is too large, at most " + std::to_string(max_ring));
                return;
            }
        }
        // Without a protocol a socket receives nothing: until it is bound, or ever.
        receive_socket_ = detail::unique_fd{::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
        if (!receive_socket_) {
            fail("open a packet socket", errno);
            return;
        }
        transmit_socket_ = detail::unique_fd{::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
        if (!transmit_socket_) {
            fail("open a packet socket", errno);
            return;
        }
        const detail::device_facts facts = detail::query_device(receive_socket_.get(), name_);
        if (facts.error != 0) {
            fail("find the device", facts.error);
            return;
        }
        if (!facts.ethernet()) {
            report.error(device_,
                         device_ + ": not an Ethernet device (hardware type " + std::to_string(facts.hardware) + ")");
            return;
        }
        if (const int error = detail::disable_lro(receive_socket_.get(), name_)) {
            report.warn(device_, detail::device_error(device_, "switch off large receive offload", error));
        }
        constexpr int on = 1;
        // Since Linux 4.20; what slips through without it is told by its direction.
        (void)detail::set_packet_option(receive_socket_.get(), PACKET_IGNORE_OUTGOING, on);
        if (options.qdisc_bypass) {
            if (const int error = detail::set_packet_option(transmit_socket_.get(), PACKET_QDISC_BYPASS, on)) {
                fail("bypass the queueing discipline", error);
                return;
            }
        }
        if (const auto error =
                receive_ring_.start(receive_socket_.get(), options.receive_ring, options.block_timeout)) {
            fail(error.what, error.error);
            return;
        }
        const std::size_t longest = facts.mtu + detail::longest_link_header;
        if (const auto error = transmit_ring_.start(transmit_socket_.get(), options.transmit_ring, longest)) {
            fail(error.what, error.error);
            return;
        }
        // Else a few hundred frames fill the socket's share of memory before the ring is full.
        const int room = static_cast<int>(std::min<std::size_t>(options.transmit_ring, 1U << 30U));
        if (::setsockopt(transmit_socket_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) != 0) {
            (void)::setsockopt(transmit_socket_.get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
        }
        pool_ = frame_pool{options.frames, facts.mtu};
        if (const int error = attach(facts)) {
            fail("bind to the device", error);
        } else {
            opened_mtu_ = mtu_;
            check_up(facts, report);
        }
    }
    /// Ties both sockets to the device of this index; 0 or an errno.
    int attach(const detail::device_facts& facts) noexcept {
        const auto bind_to = [&](int socket, unsigned protocol) {
            sockaddr_ll to{};
            to.sll_family = AF_PACKET;
            to.sll_protocol = htons(static_cast<std::uint16_t>(protocol));
            to.sll_ifindex = facts.index;
            return ::bind(socket, static_cast<const sockaddr*>(static_cast<const void*>(&to)), sizeof to) != 0 ? errno
                                                                                                               : 0;
        };
        if (promiscuous_) {
            packet_mreq membership{};
            membership.mr_ifindex = facts.index;
            membership.mr_type = PACKET_MR_PROMISC;
            if (const int error = detail::set_packet_option(receive_socket_.get(), PACKET_ADD_MEMBERSHIP, membership)) {
                return error;
            }
        }
        if (const int error = bind_to(transmit_socket_.get(), 0)) {
            return error;
        }
        if (const int error = bind_to(receive_socket_.get(), ETH_P_ALL)) {
            return error;
        }
        index_ = facts.index;
        note(facts);
        return 0;
    }
    void note(const detail::device_facts& facts) noexcept {
        mtu_ = std::min({facts.mtu, pool_.capacity(), transmit_ring_.frame_room() - detail::longest_link_header});
        mac_ = facts.mac;
    }

    /// Asks for the device's state; true when it is as it should be.
    bool recover() noexcept {
        const detail::device_facts facts = detail::query_device(receive_socket_.get(), name_);
        if (facts.error != 0) {
            fault_ = detail::device_fault::gone("find the device", facts.error);
        } else if (const int error = facts.index != index_ ? attach(facts) : 0) {
            fault_ = detail::device_fault::gone("use the device again", error);
        } else if (!facts.up()) {
            fault_ = detail::device_fault::down();
        } else {
            note(facts);
            fault_ = {};
        }
        return !fault_;
    }
    void look_after_device() noexcept {
        int error = 0;
        socklen_t size = sizeof error;
        (void)::getsockopt(receive_socket_.get(), SOL_SOCKET, SO_ERROR, &error,
                           &size);  // else poll repeats it for ever
        // Nothing says that an MTU has become larger again: it is asked for.
        if (error != 0 || fault_ || mtu_ < opened_mtu_) [[unlikely]] {
            (void)recover();
        }
    }

    [[nodiscard]] bool wanted(const detail::ring_packet& p) noexcept {
        if (p.direction == PACKET_OTHERHOST && !promiscuous_) {
            ++details_.other_host;
            return false;
        }
        if (p.direction == PACKET_OUTGOING || p.direction == PACKET_LOOPBACK) {
            return false;
        }
        if (p.truncated || p.data.size() < wire::ethernet_view::header_size) {
            ++counters_.receive_errors;
            return false;
        }
        return true;
    }
    /// Whether `fresh_` has a buffer now. `old` is what it is to replace: its buffer may be the one that is wanted.
    [[nodiscard]] bool make_room(frame& old) noexcept {
        fresh_ = pool_.make(0, zone_);
        if (!fresh_ && pool_.made(old)) {
            old.reset();
            fresh_ = pool_.make(0, zone_);
        }
        details_.no_buffer += fresh_ ? 0U : 1U;
        return bool{fresh_};
    }
    /// Sets `pieces_` for the packet in front of the ring, which stays there until the last is out. Without pieces it is
    /// an error, and gone.
    void begin_pieces(const detail::ring_packet& p) noexcept {
        pieces_ = detail::large_packet{p, mtu_, pool_.capacity()};
        if (pieces_) {
            ++details_.large_packets;
        } else {
            ++counters_.receive_errors;
            receive_ring_.pop();
        }
    }

    [[nodiscard]] bool sendable(const frame& f) const noexcept {
        return f.link_header().size() >= wire::ethernet_view::header_size && fits(f.wire(), mtu_);
    }
    /// As the kernel has it: an outermost 802.1Q tag is not counted, other tags are.
    [[nodiscard]] static bool fits(bytes whole, std::size_t mtu) noexcept {
        const bool tagged = load_be16(&whole[detail::macs_size]) == static_cast<std::uint16_t>(wire::ether_type::vlan);
        return whole.size() <= wire::ethernet_view::header_size + mtu + (tagged ? wire::ethernet_view::tag_size : 0);
    }
    /// Has the kernel send what it has not; true when it took some.
    bool push() noexcept {
        const std::size_t before = transmit_ring_.pending();
        if (before == 0) {
            return false;
        }
        std::uint64_t lost = 0;
        bool skipped = false;
        const int error = transmit_ring_.push(transmit_socket_.get(), [&](bytes sent) {
            if (!std::exchange(skipped, true)) {
                (void)recover();  // learns the MTU
            }
            lost += fits(sent, mtu_) ? 0U : 1U;
        });
        if (skipped) [[unlikely]] {
            lost = std::max(lost, std::uint64_t{1});  // at least, if it was not for their length
            counters_.transmitted -= lost;
            counters_.transmit_errors += lost;
        }
        if (error == ENETDOWN || error == ENXIO || error == ENODEV) [[unlikely]] {
            (void)recover();
        }
        return transmit_ring_.pending() < before;
    }

    int index_ = 0;
    std::size_t opened_mtu_ = 0;
    detail::unique_fd receive_socket_;
    detail::unique_fd transmit_socket_;
    detail::receive_ring receive_ring_;
    detail::transmit_ring transmit_ring_;
    detail::large_packet pieces_;  ///< of the packet in front of the ring
    af_packet_counters details_;
};

static_assert(live_io<af_packet_port>);

}  // namespace ikealg::inline v0::io

#endif  // defined(__linux__)

#endif
