// SPDX-License-Identifier: Apache-2.0
/// What all views of wire/ share: the answer of `parse()`, read-only and mutable bytes, and the list of TLV options.
///
/// A view is a template over its byte type: `std::uint8_t` gives a view that may rewrite fields in place, the const
/// one a view that only reads. `parse()` is the only check; accessors and setters of a view it accepted cannot fail.
/// A view that is default-constructed or comes with an error must not be asked anything. No setter changes a field
/// that bears a length.
///
/// Thread safety: values over bytes that the caller keeps alive. Complexity: constant.
#ifndef IKEALG_WIRE_VIEW_HPP
#define IKEALG_WIRE_VIEW_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <type_traits>

#include "ikealg/base/bytes.hpp"
#include "ikealg/base/checksum.hpp"

namespace ikealg::inline v0::wire {

template <class Byte>
concept packet_byte = std::same_as<std::remove_const_t<Byte>, std::uint8_t>;

template <class Byte>
concept writable_byte = std::same_as<Byte, std::uint8_t>;

/// A view, or the reason why there is none.
template <class View, class Error>
struct parsed {
    View view{};
    Error error = Error::none;

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return error == Error::none; }
};

/// One option of an IPv4 or TCP header. `data` is what follows kind and length; empty for a no-operation.
template <packet_byte Byte>
struct basic_option {
    std::uint8_t kind = 0;
    std::span<Byte> data{};
    std::size_t offset = 0;  ///< of the kind octet, from the start of the options
};

/// The options of an IPv4 (RFC 791 3.1) or TCP (RFC 9293 3.1) header, which share a format: kind 0 ends the list,
/// kind 1 is a single octet, all others carry a length of at least 2. The walk also ends at the first option that
/// does not fit.
template <packet_byte Byte>
class option_range {
public:
    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = basic_option<Byte>;
        using difference_type = std::ptrdiff_t;
        using pointer = const value_type*;
        using reference = const value_type&;

        constexpr iterator() noexcept = default;
        constexpr explicit iterator(std::span<Byte> all) noexcept : all_(all) { read(); }
        [[nodiscard]] constexpr reference operator*() const noexcept { return option_; }
        [[nodiscard]] constexpr pointer operator->() const noexcept { return &option_; }
        constexpr iterator& operator++() noexcept {
            at_ += size_;
            read();
            return *this;
        }
        constexpr iterator operator++(int) noexcept {
            const iterator before = *this;
            ++*this;
            return before;
        }
        friend constexpr bool operator==(const iterator& i, std::default_sentinel_t) noexcept { return i.size_ == 0; }

    private:
        constexpr void read() noexcept {
            size_ = 0;
            if (at_ >= all_.size() || all_[at_] == 0) {
                return;
            }
            if (all_[at_] == 1) {
                size_ = 1;
                option_ = {1, {}, at_};
                return;
            }
            if (all_.size() - at_ < 2 || all_[at_ + 1] < 2 || all_[at_ + 1] > all_.size() - at_) {
                return;
            }
            size_ = all_[at_ + 1];
            option_ = {all_[at_], all_.subspan(at_ + 2, size_ - 2), at_};
        }

        std::span<Byte> all_{};
        std::size_t at_ = 0;
        std::size_t size_ = 0;
        value_type option_{};
    };

    constexpr explicit option_range(std::span<Byte> all) noexcept : all_(all) {}
    [[nodiscard]] constexpr iterator begin() const noexcept { return iterator(all_); }
    [[nodiscard]] constexpr std::default_sentinel_t end() const noexcept { return {}; }

private:
    std::span<Byte> all_;
};

namespace detail {

/// Replaces the 16-bit word at `at` and carries the change into the checksum field (RFC 1624).
inline void replace_be16(std::uint8_t* at, std::uint16_t value, std::uint8_t* checksum) noexcept {
    store_be16(checksum, delta_of(load_be16(at), value).apply(load_be16(checksum)));
    store_be16(at, value);
}

}  // namespace detail

}  // namespace ikealg::inline v0::wire

#endif
