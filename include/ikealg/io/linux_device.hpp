// SPDX-License-Identifier: Apache-2.0
/// What the Linux adapters share: a descriptor that closes itself, what the kernel says of a network device, and error
/// texts that name the device. On other systems this header declares nothing.
///
/// Thread safety: none. Complexity: one system call each.
#ifndef IKEALG_IO_LINUX_DEVICE_HPP
#define IKEALG_IO_LINUX_DEVICE_HPP

#if defined(__linux__)

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "ikealg/wire/ethernet.hpp"

namespace ikealg::inline v0::io::detail {

/// Owns a file descriptor; -1 is none.
class unique_fd {
public:
    unique_fd() = default;
    explicit unique_fd(int fd) noexcept : fd_{fd} {}
    unique_fd(unique_fd&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
    unique_fd& operator=(unique_fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    unique_fd(const unique_fd&) = delete;
    unique_fd& operator=(const unique_fd&) = delete;
    ~unique_fd() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }

private:
    int fd_ = -1;
};

/// "eth0: cannot WHAT: No such device".
[[nodiscard]] inline std::string device_error(std::string_view device, std::string_view what, int error) {
    std::string text{device};
    text += ": cannot ";
    text += what;
    text += ": ";
    text += std::generic_category().message(error);
    if (error == EPERM || error == EACCES) {
        text += " (it needs CAP_NET_RAW for packet sockets, CAP_NET_ADMIN for TUN and TAP)";
    }
    return text;
}

/// A device's name in the form that the kernel wants; empty when it cannot be one.
[[nodiscard]] inline std::array<char, IFNAMSIZ> kernel_name(std::string_view device) noexcept {
    std::array<char, IFNAMSIZ> name{};
    const bool bad = device.empty() || device.size() >= name.size() || device == "." || device == ".." ||
                     device.find_first_of(std::string_view{"/: \t\n\0", 6}) != std::string_view::npos;
    if (!bad) {
        std::copy(device.begin(), device.end(), name.begin());
    }
    return name;
}

/// What the kernel says of a device. `error` is 0, or the errno of the first question that failed.
struct device_facts {
    int error = 0;
    int index = 0;
    unsigned flags = 0;
    std::size_t mtu = 0;
    std::uint16_t hardware = 0;  ///< ARPHRD_*
    wire::mac_address mac{};

    [[nodiscard]] bool up() const noexcept { return (flags & IFF_UP) != 0; }
    [[nodiscard]] bool ethernet() const noexcept { return hardware == ARPHRD_ETHER || hardware == ARPHRD_LOOPBACK; }
};

/// Asks through any socket of the network namespace that the device is in.
[[nodiscard]] inline device_facts query_device(int socket, const std::array<char, IFNAMSIZ>& name) noexcept {
    device_facts facts;
    const auto ask = [&](unsigned long request, ifreq& answer) {
        answer = {};
        std::copy(name.begin(), name.end(), &answer.ifr_name[0]);
        if (facts.error == 0 && ::ioctl(socket, request, &answer) != 0) {
            facts.error = errno;
        }
        return facts.error == 0;
    };
    ifreq answer;
    if (ask(SIOCGIFINDEX, answer)) {
        facts.index = answer.ifr_ifindex;
    }
    if (ask(SIOCGIFFLAGS, answer)) {
        facts.flags = static_cast<unsigned short>(answer.ifr_flags);
    }
    if (ask(SIOCGIFMTU, answer)) {
        facts.mtu = static_cast<std::size_t>(std::max(answer.ifr_mtu, 0));
    }
    if (ask(SIOCGIFHWADDR, answer)) {
        facts.hardware = answer.ifr_hwaddr.sa_family;
        std::memcpy(facts.mac.octets.data(), &answer.ifr_hwaddr.sa_data[0], wire::mac_address::size);
    }
    return facts;
}

/// Switches off large receive offload, which merges packets beyond recovery; 0, or the errno of what failed. A device
/// without it is fine.
[[nodiscard]] inline int disable_lro(int socket, const std::array<char, IFNAMSIZ>& name) noexcept {
    ethtool_value value{ETHTOOL_GFLAGS, 0};
    ifreq request{};
    std::copy(name.begin(), name.end(), &request.ifr_name[0]);
    request.ifr_data = static_cast<char*>(static_cast<void*>(&value));
    if (::ioctl(socket, SIOCETHTOOL, &request) != 0 || (value.data & ETH_FLAG_LRO) == 0) {
        return 0;
    }
    value = {ETHTOOL_SFLAGS, value.data & ~static_cast<std::uint32_t>(ETH_FLAG_LRO)};
    return ::ioctl(socket, SIOCETHTOOL, &request) != 0 ? errno : 0;
}

/// The length of an Ethernet header with up to two tags; 0 when `frame` ends inside it.
[[nodiscard]] inline std::size_t ethernet_length(bytes frame) noexcept {
    using view = wire::ethernet_view;
    std::size_t length = view::header_size;
    for (std::size_t tags = 0; tags < view::max_tags && frame.size() >= length &&
                               view::is_tag(static_cast<wire::ether_type>(load_be16(&frame[length - 2])));
         ++tags) {
        length += view::tag_size;
    }
    return frame.size() >= length ? length : 0;
}

}  // namespace ikealg::inline v0::io::detail

#endif  // defined(__linux__)

#endif
