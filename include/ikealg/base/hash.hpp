// SPDX-License-Identifier: Apache-2.0
/// Keyed hash of small fixed-size keys, for tables that strangers can choose the keys of (L3).
///
/// Two 64x64->128 bit multiplications fold the key under 128 bits of secret; the secret is drawn once per table by
/// whoever makes the table. It is not a cryptographic MAC: it resists chosen keys as long as hash values are not shown.
/// The same code runs on every machine, so a record exported on one hashes alike on the next when the secret is given.
///
/// Thread safety: values. Complexity: linear in the words of the key (2 words: about 2 ns).
#ifndef IKEALG_BASE_HASH_HPP
#define IKEALG_BASE_HASH_HPP

#include <array>
#include <cstddef>
#include <cstdint>

namespace ikealg::inline v0 {

namespace detail {

/// High and low half of the 128-bit product, xored.
[[nodiscard]] inline std::uint64_t multiply_fold(std::uint64_t a, std::uint64_t b) noexcept {
    __extension__ using wide = unsigned __int128;
    const wide product = static_cast<wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace detail

/// 128 bits that an attacker must not know.
struct hash_secret {
    std::uint64_t first = 0;
    std::uint64_t second = 0;

    /// A secret derived from one 64-bit seed (splitmix64); tests give fixed seeds, products a random one.
    [[nodiscard]] static constexpr hash_secret from_seed(std::uint64_t seed) noexcept {
        const auto next = [&seed] {
            std::uint64_t z = (seed += 0x9e37'79b9'7f4a'7c15U);
            z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9U;
            z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11ebU;
            return z ^ (z >> 31);
        };
        const std::uint64_t a = next();
        return {a | 1U, next() | 1U};
    }
};

/// Hash of `words` under `secret`. Equal words give equal hashes; all 64 bits are usable.
template <std::size_t N>
[[nodiscard]] inline std::uint64_t keyed_hash(const std::array<std::uint64_t, N>& words, hash_secret secret) noexcept {
    static_assert(N >= 1);
    std::uint64_t state = secret.first;
    std::size_t i = 0;
    for (; i + 2 <= N; i += 2) {
        state = detail::multiply_fold(words[i] ^ state, words[i + 1] ^ secret.second);
    }
    if (i < N) {
        state = detail::multiply_fold(words[i] ^ state, secret.second ^ 0xa076'1d64'78bd'642fU);
    }
    return detail::multiply_fold(state ^ secret.second, secret.first ^ 0xe703'7ed1'a0b4'28dbU);
}

/// A small deterministic generator (splitmix64) for tie-breaks and port choice; not for secrets.
class small_random {
public:
    using result_type = std::uint64_t;
    constexpr explicit small_random(std::uint64_t seed) noexcept : state_(seed) {}
    constexpr std::uint64_t operator()() noexcept {
        std::uint64_t z = (state_ += 0x9e37'79b9'7f4a'7c15U);
        z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9U;
        z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11ebU;
        return z ^ (z >> 31);
    }
    [[nodiscard]] static constexpr std::uint64_t min() noexcept { return 0; }
    [[nodiscard]] static constexpr std::uint64_t max() noexcept { return ~std::uint64_t{0}; }

private:
    std::uint64_t state_;
};

}  // namespace ikealg::inline v0

#endif
