// SPDX-License-Identifier: Apache-2.0
/// The TCP header and its options (RFC 9293 3.1, 3.2), with the MSS clamp.
///
///     |          source port          |       destination port        |
///     |                        sequence number                        |
///     |                    acknowledgment number                      |
///     | data  | rsvd  |C|E|U|A|P|R|S|F|            window             |
///     |           checksum            |        urgent pointer         |
///
/// Invariant: 20 <= header_length() <= bytes given. Setters keep the checksum in step (RFC 1624).
///
/// Thread safety: values over bytes that the caller keeps alive. Complexity: constant; `checksum_valid` linear.
#ifndef IKEALG_WIRE_TCP_HPP
#define IKEALG_WIRE_TCP_HPP

#include <optional>
#include <string_view>

#include "ikealg/base/address.hpp"
#include "ikealg/base/identifiers.hpp"
#include "ikealg/wire/view.hpp"

namespace ikealg::inline v0::wire {

enum class tcp_error : std::uint8_t {
    none,
    truncated_header,
    bad_data_offset,    ///< below 5
    truncated_options,  ///< the data offset points beyond the IP payload
};

[[nodiscard]] constexpr std::string_view to_string(tcp_error e) noexcept {
    switch (e) {
        case tcp_error::none: return "no error";
        case tcp_error::truncated_header: return "truncated TCP header";
        case tcp_error::bad_data_offset: return "TCP data offset below 5";
        case tcp_error::truncated_options: return "TCP data offset exceeds the IP payload";
    }
    return "unknown";
}

enum class tcp_flag : std::uint8_t {
    fin = 0x01,
    syn = 0x02,
    rst = 0x04,
    psh = 0x08,
    ack = 0x10,
    urg = 0x20,
    ece = 0x40,
    cwr = 0x80,
};

[[nodiscard]] constexpr std::string_view to_string(tcp_flag f) noexcept {
    switch (f) {
        case tcp_flag::fin: return "FIN";
        case tcp_flag::syn: return "SYN";
        case tcp_flag::rst: return "RST";
        case tcp_flag::psh: return "PSH";
        case tcp_flag::ack: return "ACK";
        case tcp_flag::urg: return "URG";
        case tcp_flag::ece: return "ECE";
        case tcp_flag::cwr: return "CWR";
    }
    return "unknown";
}

template <packet_byte Byte>
class basic_tcp_view {
public:
    static constexpr std::size_t min_header_size = 20;
    static constexpr std::uint8_t mss_option = 2;  ///< Maximum Segment Size, 4 octets in all (RFC 9293 3.2)

    /// Reads the segment that fills an IP payload, or as much of it as is here; the header with its options must be.
    [[nodiscard]] static parsed<basic_tcp_view, tcp_error> parse(std::span<Byte> ip_payload) noexcept {
        if (ip_payload.size() < min_header_size) {
            return {{}, tcp_error::truncated_header};
        }
        basic_tcp_view v;
        v.data_ = ip_payload;
        if (v.header_length() < min_header_size) {
            return {{}, tcp_error::bad_data_offset};
        }
        if (v.header_length() > ip_payload.size()) {
            return {{}, tcp_error::truncated_options};
        }
        return {v, tcp_error::none};
    }

    [[nodiscard]] port source_port() const noexcept { return {load_be16(&data_[source_offset])}; }
    [[nodiscard]] port destination_port() const noexcept { return {load_be16(&data_[destination_offset])}; }
    [[nodiscard]] std::uint32_t sequence() const noexcept { return load_be32(&data_[sequence_offset]); }
    [[nodiscard]] std::uint32_t acknowledgment() const noexcept { return load_be32(&data_[acknowledgment_offset]); }
    [[nodiscard]] std::size_t header_length() const noexcept {
        return std::size_t{4} * (data_[data_offset_offset] >> 4U);
    }
    /// All flags, as the sum of `tcp_flag` values.
    [[nodiscard]] std::uint8_t flags() const noexcept { return data_[flags_offset]; }
    [[nodiscard]] bool has(tcp_flag f) const noexcept { return (flags() & static_cast<unsigned>(f)) != 0; }
    [[nodiscard]] std::uint16_t window() const noexcept { return load_be16(&data_[window_offset]); }
    [[nodiscard]] std::uint16_t checksum() const noexcept { return load_be16(&data_[checksum_offset]); }
    [[nodiscard]] std::uint16_t urgent_pointer() const noexcept { return load_be16(&data_[urgent_offset]); }
    [[nodiscard]] option_range<Byte> options() const noexcept {
        return option_range<Byte>(data_.subspan(min_header_size, header_length() - min_header_size));
    }
    [[nodiscard]] std::span<Byte> payload() const noexcept { return data_.subspan(header_length()); }
    /// The MSS that a SYN announces; nothing without SYN, for there it has no meaning.
    [[nodiscard]] std::optional<std::uint16_t> mss() const noexcept {
        const std::size_t at = find_mss();
        return at != 0 ? std::optional{load_be16(&data_[at])} : std::nullopt;
    }
    /// Whether the checksum fits a whole segment between these addresses.
    template <class Address>
    [[nodiscard]] bool checksum_valid(Address from, Address to) const noexcept {
        return fold(sum_bytes(data_, pseudo_header_sum(from, to, static_cast<std::uint8_t>(ip_protocol::tcp),
                                                       static_cast<std::uint32_t>(data_.size())))) == 0xffff;
    }

    void set_source_port(port p) const noexcept requires writable_byte<Byte> {
        detail::replace_be16(&data_[source_offset], p.value, &data_[checksum_offset]);
    }
    void set_destination_port(port p) const noexcept requires writable_byte<Byte> {
        detail::replace_be16(&data_[destination_offset], p.value, &data_[checksum_offset]);
    }
    void set_checksum(std::uint16_t value) const noexcept requires writable_byte<Byte> {
        store_be16(&data_[checksum_offset], value);
    }
    /// Carries a change of what the checksum covers (an address of the pseudo header) into it.
    void adjust_checksum(checksum_delta delta) const noexcept requires writable_byte<Byte> {
        set_checksum(delta.apply(checksum()));
    }
    /// Lowers the MSS that a SYN announces to `max`; true when it was above. An absent MSS is not added.
    bool clamp_mss(std::uint16_t max) const noexcept requires writable_byte<Byte> {
        const std::size_t at = find_mss();
        if (at == 0 || load_be16(&data_[at]) <= max) {
            return false;
        }
        const auto swapped = [](std::uint16_t v) { return static_cast<std::uint16_t>(v << 8 | v >> 8); };
        const std::uint16_t from = load_be16(&data_[at]);
        // At an odd offset the two octets lie in two checksum words, each in the other's place (RFC 1071 2 B).
        adjust_checksum(at % 2 == 0 ? delta_of(from, max) : delta_of(swapped(from), swapped(max)));
        store_be16(&data_[at], max);
        return true;
    }

private:
    static constexpr std::size_t source_offset = 0;
    static constexpr std::size_t destination_offset = 2;
    static constexpr std::size_t sequence_offset = 4;
    static constexpr std::size_t acknowledgment_offset = 8;
    static constexpr std::size_t data_offset_offset = 12;
    static constexpr std::size_t flags_offset = 13;
    static constexpr std::size_t window_offset = 14;
    static constexpr std::size_t checksum_offset = 16;
    static constexpr std::size_t urgent_offset = 18;

    /// Where the MSS value stands in a SYN; 0 when there is none.
    [[nodiscard]] std::size_t find_mss() const noexcept {
        if (has(tcp_flag::syn)) {
            for (const auto& option : options()) {
                if (option.kind == mss_option && option.data.size() == 2) {
                    return min_header_size + option.offset + 2;
                }
            }
        }
        return 0;
    }

    std::span<Byte> data_{};
};

using tcp_view = basic_tcp_view<const std::uint8_t>;
using mutable_tcp_view = basic_tcp_view<std::uint8_t>;

}  // namespace ikealg::inline v0::wire

#endif
