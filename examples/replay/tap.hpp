// SPDX-License-Identifier: Apache-2.0
/// Looks on while packets are played: writes them to capture files and prints the timeline.
#ifndef REPLAY_TAP_HPP
#define REPLAY_TAP_HPP

#include <optional>
#include <string>

#include "ikealg/io/pcap.hpp"
#include "packet.hpp"
#include "setup.hpp"
#include "timeline.hpp"

namespace replay {

class tap {
public:
    /// Throws bad_input when a file cannot be made. `events` may be null.
    tap(const options& o, ikealg::io::epoch_time began, timeline* events)
        : inside_(open(o.write_inside)), outside_(open(o.write_outside)), began_(began), events_(events) {}

    void sent(const buffer& b, ikealg::instant now) { write(b, b.zone, now); }
    void got(const buffer& b, ikealg::verdict v, ikealg::instant now) {
        if (v.act == ikealg::action::forward) {
            write(b, v.to, now);
        }
    }
    void misdelivered(const buffer& b, ikealg::ipv4_address owner, ikealg::ipv4_address to, ikealg::instant now) {
        if (events_ != nullptr) {
            events_->misdelivered(b.client, owner, to, now);
        }
    }
    void flush() {
        if (events_ != nullptr) {
            events_->flush();
        }
    }
    /// Throws bad_input when something could not be written.
    void close() {
        for (auto* file : {&inside_, &outside_}) {
            if (*file) {
                check((*file)->flush());
            }
        }
    }

private:
    using writer = std::optional<ikealg::io::pcap_writer>;

    [[nodiscard]] static writer open(const std::string& path) {
        if (path.empty()) {
            return std::nullopt;
        }
        auto opened = ikealg::io::pcap_writer::open(path);
        check(opened.error);
        return std::move(opened.value);
    }
    static void check(const ikealg::io::pcap_error& error) {
        if (error) {
            throw bad_input(error.message);
        }
    }
    void write(const buffer& b, ikealg::zone_id zone, ikealg::instant now) {
        writer& file = zone == inside_zone ? inside_ : outside_;
        if (file) {
            check(file->write(b.bytes, began_ + now.time_since_epoch()));
        }
    }

    writer inside_;
    writer outside_;
    ikealg::io::epoch_time began_;
    timeline* events_;
};

}  // namespace replay

#endif
