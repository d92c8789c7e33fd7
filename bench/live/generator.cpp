// SPDX-License-Identifier: Apache-2.0
/// Sends UDP datagrams of several flows from one device as fast as it takes them.
///
///     generator DEVICE SOURCE-MAC GATEWAY-MAC SOURCE-IP DESTINATION-IP FLOWS BYTES SECONDS
///
/// BYTES is the length of the IP packet. Prints the packets sent and the seconds it took. Part of rate.py.
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "ikealg/base/bytes.hpp"
#include "ikealg/base/checksum.hpp"
#include "ikealg/base/address.hpp"

namespace {

constexpr std::size_t burst = 64;
constexpr std::size_t ethernet_header = 14;
constexpr std::size_t ip_header = 20;

bool parse_mac(const char* text, std::uint8_t* to) {
    std::array<unsigned, 6> o{};
    if (std::sscanf(text, "%x:%x:%x:%x:%x:%x", &o[0], &o[1], &o[2], &o[3], &o[4], &o[5]) != 6) {
        return false;
    }
    for (std::size_t i = 0; i < o.size(); ++i) {
        to[i] = static_cast<std::uint8_t>(o[i]);
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    using namespace ikealg;
    if (argc != 9) {
        std::fprintf(stderr, "usage: generator DEVICE SOURCE-MAC GATEWAY-MAC SOURCE-IP DESTINATION-IP FLOWS BYTES SECONDS\n");
        return 2;
    }
    const unsigned index = if_nametoindex(argv[1]);
    const auto source = ipv4_address::parse(argv[4]);
    const auto destination = ipv4_address::parse(argv[5]);
    const auto flows = static_cast<unsigned>(std::strtoul(argv[6], nullptr, 10));
    const std::size_t size = std::strtoul(argv[7], nullptr, 10);
    const double seconds = std::strtod(argv[8], nullptr);
    std::array<std::uint8_t, ethernet_header> link{};
    if (index == 0 || !source || !destination || flows == 0 || size < ip_header + 8 || size > 1500 || !parse_mac(argv[3], link.data()) ||
        !parse_mac(argv[2], link.data() + 6)) {
        std::fprintf(stderr, "generator: a bad argument\n");
        return 2;
    }
    store_be16(link.data() + 12, 0x0800);
    std::vector<std::vector<std::uint8_t>> packets;
    for (unsigned f = 0; f < flows; ++f) {
        std::vector<std::uint8_t> p(ethernet_header + size);
        std::copy(link.begin(), link.end(), p.begin());
        std::uint8_t* ip = p.data() + ethernet_header;
        ip[0] = 0x45;
        store_be16(ip + 2, static_cast<std::uint16_t>(size));
        ip[8] = 64;
        ip[9] = 17;
        store_be32(ip + 12, source->value);
        store_be32(ip + 16, destination->value);
        store_be16(ip + 10, finish_checksum(sum_bytes({ip, ip_header})));
        store_be16(ip + 20, static_cast<std::uint16_t>(20000 + f));
        store_be16(ip + 22, 7777);
        store_be16(ip + 24, static_cast<std::uint16_t>(size - ip_header));  // UDP checksum 0: none
        packets.push_back(std::move(p));
    }
    const int fd = socket(AF_PACKET, SOCK_RAW, 0);
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = static_cast<int>(index);
    const int one = 1;
    if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one) != 0) {
        std::perror("generator");
        return 1;
    }
    std::array<mmsghdr, burst> messages{};
    std::array<iovec, burst> parts{};
    std::uint64_t sent = 0;
    std::size_t next = 0;
    const auto begin = std::chrono::steady_clock::now();
    const auto end = begin + std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(seconds));
    while (std::chrono::steady_clock::now() < end) {
        for (std::size_t i = 0; i < burst; ++i) {
            auto& p = packets[next];
            next = next + 1 == packets.size() ? 0 : next + 1;
            parts[i] = {p.data(), p.size()};
            messages[i].msg_hdr.msg_iov = &parts[i];
            messages[i].msg_hdr.msg_iovlen = 1;
        }
        const int n = sendmmsg(fd, messages.data(), burst, 0);
        sent += n > 0 ? static_cast<std::uint64_t>(n) : 0;
    }
    const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    std::printf("%llu %.3f\n", static_cast<unsigned long long>(sent), took);
    (void)close(fd);
    return 0;
}
