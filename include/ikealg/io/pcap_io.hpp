// SPDX-License-Identifier: Apache-2.0
/// packet_io over captures: one file in per zone or several, delivered in the order of their stamps, and one file out
/// per zone. A packet's `tag()` is its number in its file, its `time()` counts from the earliest first packet of all
/// inputs.
///
/// `state()` is `ended` when all inputs are read, even if one was cut off; it is `failed` when a file could not be
/// read on or written. `errors()` has the details: at most two per file, the first packet of an input without a
/// network header (all such are skipped and counted) and what ended its reading.
///
/// Thread safety: one thread. Complexity: linear in the bytes and, per packet, in the number of inputs; allocates.
#ifndef IKEALG_IO_PCAP_IO_HPP
#define IKEALG_IO_PCAP_IO_HPP

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ikealg/base/identifiers.hpp"
#include "ikealg/base/time.hpp"
#include "ikealg/io/memory.hpp"
#include "ikealg/io/packet_io.hpp"
#include "ikealg/io/pcap.hpp"

namespace ikealg::inline v0::io {

class pcap_io {
public:
    using packet = memory_packet;

    /// Add all inputs before the first `receive`.
    void add_input(pcap_reader reader, zone_id zone) {
        inputs_.push_back({std::move(reader), zone, {}, {}, false, false});
        input& in = inputs_.back();
        load(in);
        if (in.loaded && (!has_origin_ || in.epoch < origin_)) {
            origin_ = in.epoch;
            has_origin_ = true;
        }
    }
    /// One per zone; a second one for a zone takes the place of the first.
    void add_output(pcap_writer writer, zone_id zone) {
        std::erase_if(outputs_, [&](const output& out) { return out.zone == zone; });
        outputs_.push_back({std::move(writer), zone, false, false});
    }

    /// Sets the time that packets leave at. A packet leaves when it came, or at this time if that is later.
    void set_now(instant now) noexcept { now_ = now; }
    /// The time of day at `at`; without inputs, instants count from 1970.
    [[nodiscard]] epoch_time to_epoch(instant at) const noexcept { return origin_ + at.time_since_epoch(); }

    [[nodiscard]] std::size_t receive(std::span<memory_packet> burst) {
        std::size_t n = 0;
        for (; n < burst.size(); ++n) {
            input* earliest = nullptr;
            for (input& in : inputs_) {
                if (in.loaded && (earliest == nullptr || in.epoch < earliest->epoch)) {
                    earliest = &in;
                }
            }
            if (earliest == nullptr) {
                break;
            }
            burst[n] = std::move(earliest->next);
            burst[n].set_time(instant{earliest->epoch - origin_});
            load(*earliest);
        }
        counters_.received += n;
        return n;
    }

    [[nodiscard]] std::size_t transmit(std::span<memory_packet> burst, zone_id to) {
        const auto out = std::find_if(outputs_.begin(), outputs_.end(), [&](const output& o) { return o.zone == to; });
        if (out == outputs_.end()) {
            return 0;
        }
        for (std::size_t i = 0; i < burst.size(); ++i) {
            const std::vector<std::uint8_t> network = burst[i].network_copy();
            const pcap_error error =
                out->writer.write(network, to_epoch(std::max(burst[i].time(), now_)), burst[i].missing());
            if (error.fault == pcap_fault::cannot_write) {
                note_write_error(*out, error);
                return i;
            }
            if (error) {
                note_skipped(*out, error);
            } else {
                ++counters_.transmitted;
            }
            burst[i] = memory_packet{};
        }
        return burst.size();
    }

    /// Hands all output to the system; false when that failed.
    bool flush() {
        for (output& out : outputs_) {
            if (const pcap_error error = out.writer.flush()) {
                note_write_error(out, error);
            }
        }
        return !write_failed_;
    }

    [[nodiscard]] io_state state() const noexcept {
        const bool more = std::any_of(inputs_.begin(), inputs_.end(), [](const input& in) { return in.loaded; });
        if (write_failed_ || (read_failed_ && !more)) {
            return io_state::failed;
        }
        return more ? io_state::ready : io_state::ended;
    }
    [[nodiscard]] io_counters counters() const noexcept { return counters_; }
    [[nodiscard]] const std::vector<pcap_error>& errors() const noexcept { return errors_; }

private:
    struct input {
        pcap_reader reader;
        zone_id zone;
        memory_packet next;
        epoch_time epoch;
        bool loaded;
        bool noted_skipped;
    };
    struct output {
        pcap_writer writer;
        zone_id zone;
        bool noted_skipped;
        bool failed;
    };

    /// Fetches the next packet that has a network header.
    void load(input& in) {
        in.loaded = false;
        while (const std::optional<pcap_frame> frame = in.reader.next()) {
            if (frame->link) {
                in.next = memory_packet{frame->link_header(), frame->network(), in.zone};
                in.next.set_tag(frame->number);
                in.next.set_missing(frame->missing);
                in.epoch = frame->epoch;
                in.loaded = true;
                return;
            }
            ++counters_.receive_errors;
            if (!std::exchange(in.noted_skipped, true)) {
                errors_.push_back(detail::pcap_failure(pcap_fault::link_header,
                                                       "skipped packet " + std::to_string(frame->number) + " of",
                                                       in.reader.path(), describe(frame->link.fault)));
            }
        }
        if (const pcap_error& error = in.reader.error()) {
            read_failed_ = read_failed_ || error.fault != pcap_fault::truncated;
            ++counters_.receive_errors;
            errors_.push_back(error);
        }
    }
    void note_skipped(output& out, const pcap_error& error) {
        ++counters_.transmit_errors;
        if (!std::exchange(out.noted_skipped, true)) {
            errors_.push_back(error);
        }
    }
    void note_write_error(output& out, const pcap_error& error) {
        write_failed_ = true;
        if (!std::exchange(out.failed, true)) {
            errors_.push_back(error);
        }
    }

    std::vector<input> inputs_;
    std::vector<output> outputs_;
    std::vector<pcap_error> errors_;
    epoch_time origin_{};
    instant now_ = instant::min();
    io_counters counters_;
    bool has_origin_ = false;
    bool read_failed_ = false;
    bool write_failed_ = false;
};

static_assert(packet_io<pcap_io>);

}  // namespace ikealg::inline v0::io

#endif
