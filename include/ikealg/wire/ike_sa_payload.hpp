// SPDX-License-Identifier: Apache-2.0
/// The SA payload: proposals, their transforms and the attributes of those (RFC 2408 3.4-3.6 with RFC 2407 4.6.1; RFC
/// 7296 3.3).
///
///     SA          v1: DOI (4), situation (4)          v2: nothing
///       proposal  number, protocol, SPI size, number of transforms, SPI
///         transform  v1: number, id, reserved (2)     v2: type, reserved, id (2)
///           attribute  short: 0x8000 + type, value    long: type, length, value
///
/// A payload type tells the version (1 or 33), so nothing else has to be handed down. Readers are bounded by what
/// encloses them and end with a fault whose offset counts from the start of the IKE header. The number of transforms
/// that a proposal announces is not trusted, only shown.
///
/// Thread safety: values over bytes the caller keeps alive. Complexity: constant for each element.
#ifndef IKEALG_WIRE_IKE_SA_PAYLOAD_HPP
#define IKEALG_WIRE_IKE_SA_PAYLOAD_HPP

#include <cstddef>
#include <cstdint>
#include <optional>

#include "ikealg/base/bytes.hpp"
#include "ikealg/wire/ike_payload.hpp"
#include "ikealg/wire/ike_types.hpp"

namespace ikealg::inline v0::wire {

/// One attribute of a transform. A short one has its value in `value` and `data`; a long one only in `data`.
struct transform_attribute {
    std::uint16_t type = 0;  ///< without the format bit
    bool is_short = false;
    std::uint16_t value = 0;
    bytes data;
    std::size_t offset = 0;
};

/// Walks attributes. A long attribute of length 0 is one.
class attribute_reader {
public:
    attribute_reader(bytes area, std::size_t offset) noexcept : rest_(area), offset_(offset) {}

    [[nodiscard]] std::optional<transform_attribute> next() noexcept {
        if (rest_.empty() || fault_) {
            return std::nullopt;
        }
        if (rest_.size() < header_size) {
            return stop(payload_error::truncated_header);
        }
        const std::uint16_t head = load_be16(rest_.data());
        const std::uint16_t tail = load_be16(rest_.data() + 2);
        transform_attribute result;
        result.type = head & 0x7fffU;
        result.is_short = (head & 0x8000U) != 0;
        result.offset = offset_;
        std::size_t size = header_size;
        if (result.is_short) {
            result.value = tail;
            result.data = rest_.subspan(2, 2);
        } else {
            if (tail > rest_.size() - header_size) {
                return stop(payload_error::length_beyond_end);
            }
            result.data = rest_.subspan(header_size, tail);
            size += tail;
        }
        rest_ = rest_.subspan(size);
        offset_ += size;
        return result;
    }

    [[nodiscard]] const payload_fault& fault() const noexcept { return fault_; }

private:
    static constexpr std::size_t header_size = 4;

    std::optional<transform_attribute> stop(payload_error error) noexcept {
        fault_ = {error, payload_type::transform, offset_};
        return std::nullopt;
    }

    bytes rest_;
    std::size_t offset_;
    payload_fault fault_;
};

/// One transform. In IKEv1 it is a whole suite, its algorithms being attributes; in IKEv2 it is one algorithm.
struct transform {
    bool is_v1 = false;
    std::uint8_t number = 0;  ///< v1: number of the transform; v2: 0
    std::uint8_t type = 0;    ///< v2: transform type (1 ENCR ...); v1: 0
    std::uint16_t id = 0;
    std::size_t offset = 0;
    bytes attribute_bytes;

    static constexpr std::size_t fixed_size = 4;  ///< behind the generic header
    [[nodiscard]] attribute_reader attributes() const noexcept {
        return {attribute_bytes, offset + payload::header_size + fixed_size};
    }
};

/// Walks the transforms of one proposal.
class transform_reader {
public:
    transform_reader(bytes area, std::size_t offset, bool is_v1) noexcept
        : chain_(area, payload_type::transform, offset), is_v1_(is_v1) {}

    [[nodiscard]] std::optional<transform> next() noexcept {
        if (fault_) {
            return std::nullopt;
        }
        const auto element = chain_.next();
        if (!element) {
            fault_ = chain_.fault();
            return std::nullopt;
        }
        if (element->body.size() < transform::fixed_size) {
            fault_ = {payload_error::length_below_header, payload_type::transform, element->offset};
            return std::nullopt;
        }
        transform result;
        result.is_v1 = is_v1_;
        result.offset = element->offset;
        result.attribute_bytes = element->body.subspan(transform::fixed_size);
        if (is_v1_) {
            result.number = element->body[0];
            result.id = element->body[1];
        } else {
            result.type = element->body[0];
            result.id = load_be16(element->body.data() + 2);
        }
        return result;
    }

    [[nodiscard]] const payload_fault& fault() const noexcept { return fault_; }

private:
    payload_reader chain_;
    bool is_v1_;
    payload_fault fault_;
};

/// One proposal.
struct proposal {
    bool is_v1 = false;
    std::uint8_t number = 0;
    std::uint8_t protocol = 0;              ///< 1 IKE, 2 AH, 3 ESP; see `protocol_name`
    std::uint8_t announced_transforms = 0;  ///< what the proposal says; the reader counts for itself
    std::size_t offset = 0;
    bytes spi;              ///< empty in the first exchange of an IKE SA; IKEv1 also sends eight zero bytes there
    bytes transform_bytes;  ///< all transforms

    static constexpr std::size_t fixed_size = 4;  ///< behind the generic header
    [[nodiscard]] transform_reader transforms() const noexcept {
        return {transform_bytes, offset + payload::header_size + fixed_size + spi.size(), is_v1};
    }
};

/// Walks the proposals of one SA payload.
class proposal_reader {
public:
    /// Any other payload than an SA reads as one without proposals.
    explicit proposal_reader(const payload& sa) noexcept
        : chain_(proposals_of(sa), payload_type::proposal, sa.body_offset() + skipped(sa)),
          is_v1_(sa.type == payload_type::sa_v1) {
        if (is_v1_ && skipped(sa) == 0) {
            fault_ = {payload_error::unknown_situation, sa.type, sa.offset};
        }
    }

    [[nodiscard]] std::optional<proposal> next() noexcept {
        if (fault_) {
            return std::nullopt;
        }
        const auto element = chain_.next();
        if (!element) {
            fault_ = chain_.fault();
            return std::nullopt;
        }
        const bytes body = element->body;
        if (body.size() < proposal::fixed_size) {
            fault_ = {payload_error::length_below_header, payload_type::proposal, element->offset};
            return std::nullopt;
        }
        const std::size_t spi_size = body[2];
        if (spi_size > body.size() - proposal::fixed_size) {
            fault_ = {payload_error::spi_beyond_end, payload_type::proposal, element->offset};
            return std::nullopt;
        }
        proposal result;
        result.is_v1 = is_v1_;
        result.number = body[0];
        result.protocol = body[1];
        result.announced_transforms = body[3];
        result.offset = element->offset;
        result.spi = body.subspan(proposal::fixed_size, spi_size);
        result.transform_bytes = body.subspan(proposal::fixed_size + spi_size);
        return result;
    }

    [[nodiscard]] const payload_fault& fault() const noexcept { return fault_; }

private:
    static constexpr std::uint32_t ipsec_doi = 1;
    /// SIT_SECRECY and SIT_INTEGRITY bring labels of variable length (RFC 2407 4.6.1), which nobody uses.
    static constexpr std::uint32_t labelled_situation = 0x6;
    static constexpr std::size_t doi_and_situation = 8;

    /// Bytes of an IKEv1 SA before its proposals; 0 when they cannot be told.
    [[nodiscard]] static std::size_t skipped(const payload& sa) noexcept {
        if (sa.type != payload_type::sa_v1 || sa.body.size() < doi_and_situation ||
            load_be32(sa.body.data()) != ipsec_doi || (load_be32(sa.body.data() + 4) & labelled_situation) != 0) {
            return 0;
        }
        return doi_and_situation;
    }
    [[nodiscard]] static bytes proposals_of(const payload& sa) noexcept {
        const std::size_t skip = skipped(sa);
        return sa.type == payload_type::sa || skip != 0 ? sa.body.subspan(skip) : bytes{};
    }

    payload_reader chain_;
    bool is_v1_;
    payload_fault fault_;
};

/// Calls `visit(payload_type)` for each payload in clear, depth first: an SA is followed by its proposals (2), each
/// by its transforms (3). Returns the first fault met; what lies behind a faulty SA is still visited, because the
/// SA's own length held.
template <class Visit>
payload_fault visit_clear_types(const ike_view& message, Visit&& visit) {
    payload_fault first;
    const auto note = [&first](const payload_fault& fault) {
        if (!first) {
            first = fault;
        }
    };
    payload_reader payloads(message);
    while (const auto p = payloads.next()) {
        visit(p->type);
        if (p->type != payload_type::sa && p->type != payload_type::sa_v1) {
            continue;
        }
        proposal_reader proposals(*p);
        while (const auto q = proposals.next()) {
            visit(payload_type::proposal);
            transform_reader transforms = q->transforms();
            while (transforms.next()) {
                visit(payload_type::transform);
            }
            note(transforms.fault());
        }
        note(proposals.fault());
    }
    note(payloads.fault());
    return first;
}

}  // namespace ikealg::inline v0::wire

#endif
