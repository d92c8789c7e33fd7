// SPDX-License-Identifier: Apache-2.0
/// Capture files through libpcap: a reader of pcap and pcapng and a writer of pcap.
///
/// Time stamps are nanoseconds since 1970 (`epoch_time`), and as `instant` nanoseconds since the first packet, which
/// is what the gateway wants. A file has one link type. Nothing throws: what can go wrong is answered as
/// `pcap_error`, whose message names the file. Only this header and pcap_io.hpp need libpcap (CMake: `ikealg::pcap`).
///
/// Thread safety: each object belongs to one thread. Complexity: linear in the bytes.
#ifndef IKEALG_IO_PCAP_HPP
#define IKEALG_IO_PCAP_HPP

#include <pcap/pcap.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "ikealg/base/bytes.hpp"
#include "ikealg/base/time.hpp"
#include "ikealg/io/link.hpp"

namespace ikealg::inline v0::io {

/// Time of day in nanoseconds since 1970-01-01 UTC.
using epoch_time = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

enum class pcap_fault : std::uint8_t {
    none,
    cannot_open,        ///< no such file, no permission, a directory
    empty_file,         ///< not one byte
    not_a_capture,      ///< neither pcap nor pcapng, or cut inside the file header
    unknown_link_type,  ///< a link type that link.hpp does not read (or does not write)
    mixed_link_types,   ///< pcapng of interfaces with different link types or snapshot lengths; libpcap 1.10 takes
                        ///< several interfaces of raw IP for different ones as well
    truncated,          ///< the file ends inside a packet; those before it are good
    corrupt,            ///< a record makes no sense, or reading failed
    link_header,        ///< no network header in a packet (adapter only; the packet is skipped)
    not_expressible,    ///< a packet that cannot be written: not IP, too long, or its time is not in 1970-2106
    cannot_write,       ///< the file cannot be made or appended to, or the disk is full
};

/// A fault and a sentence that names the file. True when there is a fault.
struct pcap_error {
    pcap_fault fault = pcap_fault::none;
    std::string message{};

    [[nodiscard]] explicit operator bool() const noexcept { return fault != pcap_fault::none; }
};

/// An opened file, or why it is not.
template <class T>
struct pcap_result {
    std::optional<T> value{};
    pcap_error error{};

    [[nodiscard]] explicit operator bool() const noexcept { return value.has_value(); }
};

namespace detail {

struct pcap_closer {
    void operator()(pcap_t* handle) const noexcept { pcap_close(handle); }
    void operator()(pcap_dumper_t* handle) const noexcept { pcap_dump_close(handle); }
};

/// "cannot read 'file': why", without a second mention of the file by libpcap.
[[nodiscard]] inline pcap_error pcap_failure(pcap_fault fault, std::string_view what, const std::string& path,
                                             std::string_view why) {
    const std::string mention = path + ": ";
    if (why.substr(0, mention.size()) == mention) {
        why.remove_prefix(mention.size());
    }
    return {fault, std::string{what} + " '" + path + "': " + std::string{why}};
}

[[nodiscard]] inline std::string errno_text(int error) {
    return std::generic_category().message(error);
}

/// Whether libpcap says of a pcapng file that its interfaces differ.
[[nodiscard]] inline bool says_mixed(std::string_view text) noexcept {
    return text.find("different from the") != std::string_view::npos &&
           text.find("first interface") != std::string_view::npos;
}

[[nodiscard]] inline std::string mixed_text(std::string_view text) {
    return "several interfaces of different kinds in one file (" + std::string{text} +
           "); split it by interface, or capture on one";
}

/// Seconds above this would overflow 64 bits of nanoseconds (the year 2262).
inline constexpr std::int64_t last_second = 9'223'000'000;

/// The time of a record that was asked for in nanoseconds. Seconds of pcap are unsigned on disk (until 2106) but
/// signed in libpcap; nonsense is clamped, so that no arithmetic on the result overflows.
[[nodiscard]] inline epoch_time to_epoch(const timeval& stamp) noexcept {
    std::int64_t seconds = stamp.tv_sec;
    if (seconds < 0 && seconds >= -(std::int64_t{1} << 31)) {
        seconds += std::int64_t{1} << 32;
    }
    seconds = std::clamp<std::int64_t>(seconds, 0, last_second);
    const std::int64_t nanoseconds = seconds * 1'000'000'000 + stamp.tv_usec;
    return epoch_time{std::chrono::nanoseconds{std::max<std::int64_t>(nanoseconds, 0)}};
}

}  // namespace detail

/// One captured frame; its bytes are valid until the next call of the reader.
struct pcap_frame {
    std::uint64_t number = 0;  ///< in the file, from 1, as analysers count
    bytes frame{};             ///< all captured bytes
    link_info link{};          ///< where the network header is, or why there is none
    epoch_time epoch{};        ///< time of capture
    instant time{};            ///< since the first packet of the file; negative when the file is not in order
    std::size_t missing = 0;   ///< bytes that were on the wire and not captured

    [[nodiscard]] bool truncated_by_snaplen() const noexcept { return missing != 0; }
    /// Empty when there is no network header.
    [[nodiscard]] bytes network() const noexcept {
        return link && link.network_offset <= frame.size() ? frame.subspan(link.network_offset) : bytes{};
    }
    [[nodiscard]] bytes link_header() const noexcept { return frame.first(frame.size() - network().size()); }
};

/// Reads one capture file from front to back; a pipe will do.
class pcap_reader {
public:
    [[nodiscard]] static pcap_result<pcap_reader> open(const std::string& path) {
        constexpr std::string_view what = "cannot read";
        std::FILE* file = std::fopen(path.c_str(), "rb");
        if (file == nullptr) {
            return {{}, detail::pcap_failure(pcap_fault::cannot_open, what, path, detail::errno_text(errno))};
        }
        const int first = std::getc(file);
        if (first == EOF) {
            const int error = std::ferror(file) != 0 ? errno : 0;
            std::fclose(file);
            if (error != 0) {
                return {{}, detail::pcap_failure(pcap_fault::cannot_open, what, path, detail::errno_text(error))};
            }
            return {{}, detail::pcap_failure(pcap_fault::empty_file, what, path, "the file is empty")};
        }
        std::ungetc(first, file);
        char text[PCAP_ERRBUF_SIZE] = "";
        pcap_t* handle = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, text);
        if (handle == nullptr) {
            std::fclose(file);
            if (detail::says_mixed(text)) {
                return {{}, detail::pcap_failure(pcap_fault::mixed_link_types, what, path, detail::mixed_text(text))};
            }
            return {{},
                    detail::pcap_failure(pcap_fault::not_a_capture, what, path,
                                         std::string{"not a pcap or pcapng capture ("} + text + ')')};
        }
        std::unique_ptr<pcap_t, detail::pcap_closer> owned{handle};
        const int number = pcap_datalink(handle);
        const std::optional<link_type> link = find_link_type(number);
        if (!link) {
            const char* name = pcap_datalink_val_to_name(number);
            return {{},
                    detail::pcap_failure(pcap_fault::unknown_link_type, what, path,
                                         "link type " + std::to_string(number) + " (" +
                                             (name != nullptr ? name : "unknown") + ") is not supported")};
        }
        return {pcap_reader{std::move(owned), *link, path}, {}};
    }

    /// The next frame; nothing at the end of the file or after an error, which `error()` tells apart.
    [[nodiscard]] std::optional<pcap_frame> next() {
        if (done_) {
            return std::nullopt;
        }
        pcap_pkthdr* header = nullptr;
        const u_char* data = nullptr;
        const int outcome = pcap_next_ex(handle_.get(), &header, &data);
        if (outcome != 1) {
            done_ = true;
            if (outcome != PCAP_ERROR_BREAK) {
                note_error(pcap_geterr(handle_.get()));
            }
            return std::nullopt;
        }
        pcap_frame result;
        result.number = ++count_;
        result.frame = bytes{data, header->caplen};
        result.link = parse_link(link_, result.frame);
        result.epoch = detail::to_epoch(header->ts);
        if (count_ == 1) {
            origin_ = result.epoch;
        }
        result.time = instant{result.epoch - origin_};
        result.missing = header->len > header->caplen ? header->len - header->caplen : 0;
        return result;
    }

    /// Why `next` stopped; no fault at a proper end.
    [[nodiscard]] const pcap_error& error() const noexcept { return error_; }
    [[nodiscard]] link_type link() const noexcept { return link_; }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

private:
    pcap_reader(std::unique_ptr<pcap_t, detail::pcap_closer> handle, link_type link, std::string path)
        : handle_{std::move(handle)}, path_{std::move(path)}, link_{link} {}

    void note_error(std::string_view text) {
        const std::string where = " (after packet " + std::to_string(count_) + ')';
        if (detail::says_mixed(text)) {
            error_ = detail::pcap_failure(pcap_fault::mixed_link_types, "cannot read on in", path_,
                                          detail::mixed_text(text));
        } else if (text.find("truncated") != std::string_view::npos) {
            error_ = detail::pcap_failure(pcap_fault::truncated, "cannot read on in", path_,
                                          "the last packet is cut off: " + std::string{text});
        } else {
            error_ = detail::pcap_failure(pcap_fault::corrupt, "cannot read on in", path_, text);
        }
        error_.message += where;
    }

    std::unique_ptr<pcap_t, detail::pcap_closer> handle_;
    std::string path_;
    pcap_error error_;
    epoch_time origin_{};
    std::uint64_t count_ = 0;
    link_type link_;
    bool done_ = false;
};

struct pcap_writer_options {
    link_type link = link_type::ethernet;  ///< ethernet or raw
    bool nanoseconds = true;               ///< else microseconds, rounded down
    bool append = false;                   ///< to an existing file of the same link type and precision; else replace it
};

/// Writes one pcap file. Writing is buffered: a full disk may show only in a later `write` or in `flush`, so call
/// `flush` last; the destructor closes the file and cannot report. After `cannot_write` nothing more is written.
class pcap_writer {
public:
    /// Bytes of the longest frame that is written; the snapshot length in the file.
    static constexpr std::size_t max_frame = 262'144;

    [[nodiscard]] static pcap_result<pcap_writer> open(const std::string& path, pcap_writer_options options = {}) {
        if (options.link != link_type::ethernet && options.link != link_type::raw) {
            return {{},
                    detail::pcap_failure(pcap_fault::unknown_link_type, "cannot write", path,
                                         "link type " + std::string{to_string(options.link)} + " is not written")};
        }
        const int type = options.link == link_type::ethernet ? DLT_EN10MB : DLT_RAW;
        const u_int precision = options.nanoseconds ? PCAP_TSTAMP_PRECISION_NANO : PCAP_TSTAMP_PRECISION_MICRO;
        const std::unique_ptr<pcap_t, detail::pcap_closer> form{
            pcap_open_dead_with_tstamp_precision(type, static_cast<int>(max_frame), precision)};
        if (form == nullptr) {
            return {{},
                    detail::pcap_failure(pcap_fault::cannot_write, "cannot write", path, detail::errno_text(ENOMEM))};
        }
        pcap_dumper_t* file =
            options.append ? pcap_dump_open_append(form.get(), path.c_str()) : pcap_dump_open(form.get(), path.c_str());
        if (file == nullptr) {
            return {{}, detail::pcap_failure(pcap_fault::cannot_write, "cannot write", path, pcap_geterr(form.get()))};
        }
        return {pcap_writer{file, options, path}, {}};
    }

    /// Writes an IP packet behind a link header made for it. `missing`: bytes that were on the wire behind `network`.
    pcap_error write(bytes network, epoch_time at, std::size_t missing = 0) {
        const std::optional<link_header> link = make_link_header(options_.link, network);
        if (!link) {
            return detail::pcap_failure(pcap_fault::not_expressible, "cannot write a packet to", path_,
                                        describe(link_fault::not_ip));
        }
        const bytes header = link->view();
        scratch_.assign(header.begin(), header.end());
        scratch_.insert(scratch_.end(), network.begin(), network.end());
        return write_frame(scratch_, at, missing);
    }

    /// Writes a frame that has its link header, of the type of the file.
    pcap_error write_frame(bytes frame, epoch_time at, std::size_t missing = 0) {
        if (error_) {
            return error_;
        }
        const auto seconds = std::chrono::floor<std::chrono::seconds>(at.time_since_epoch());
        const auto rest = at.time_since_epoch() - seconds;
        if (frame.size() > max_frame || missing > 0xffff'ffffU - max_frame) {
            return detail::pcap_failure(pcap_fault::not_expressible, "cannot write a packet to", path_,
                                        "the packet is too long");
        }
        if (seconds.count() < 0 || seconds.count() > 0xffff'ffff) {
            return detail::pcap_failure(pcap_fault::not_expressible, "cannot write a packet to", path_,
                                        "its time is not in 1970 to 2106");
        }
        pcap_pkthdr header{};
        header.ts.tv_sec = static_cast<decltype(header.ts.tv_sec)>(seconds.count());
        header.ts.tv_usec =
            static_cast<decltype(header.ts.tv_usec)>(options_.nanoseconds ? rest.count() : rest.count() / 1000);
        header.caplen = static_cast<bpf_u_int32>(frame.size());
        header.len = static_cast<bpf_u_int32>(frame.size() + missing);
        errno = 0;
        pcap_dump(reinterpret_cast<u_char*>(file_.get()), &header, frame.data());
        return std::ferror(pcap_dump_file(file_.get())) != 0 ? note_error(errno) : pcap_error{};
    }

    /// Hands everything written so far to the system.
    pcap_error flush() {
        if (error_) {
            return error_;
        }
        errno = 0;
        return pcap_dump_flush(file_.get()) != 0 ? note_error(errno) : pcap_error{};
    }

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

private:
    pcap_writer(pcap_dumper_t* file, pcap_writer_options options, std::string path)
        : file_{file}, path_{std::move(path)}, options_{options} {}

    pcap_error note_error(int error) {
        error_ = detail::pcap_failure(pcap_fault::cannot_write, "cannot write", path_,
                                      error != 0 ? detail::errno_text(error) : std::string{"write error"});
        return error_;
    }

    std::unique_ptr<pcap_dumper_t, detail::pcap_closer> file_;
    std::string path_;
    pcap_error error_;
    std::vector<std::uint8_t> scratch_;
    pcap_writer_options options_;
};

}  // namespace ikealg::inline v0::io

#endif
