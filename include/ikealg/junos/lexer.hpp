// SPDX-License-Identifier: Apache-2.0
/// Words and punctuation of a configuration text, with their places.
///
/// Blanks are space, tab, carriage return and the no-break space that web pages leave behind; a byte order mark at the
/// beginning is skipped. Comments run from `/*` to `*/` and from `#` at the beginning of a word to the end of the
/// line. A string in quotes ends on its line; within it \n, \r and \t are control characters and any other character
/// after a backslash stands for itself.
///
/// Thread safety: none, one owner; the text must outlive the lexer and its tokens. Complexity: each byte is read a
/// bounded number of times, except where `back_to` goes back.
#ifndef IKEALG_JUNOS_LEXER_HPP
#define IKEALG_JUNOS_LEXER_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ikealg/junos/statement.hpp"

namespace ikealg::inline v0::junos {

enum class token_kind : std::uint8_t {
    word,
    open,        ///< {
    close,       ///< }
    list_open,   ///< [
    list_close,  ///< ]
    semicolon,
    bad,  ///< not text, or not finished: `problem` says it
    end,
};

struct token {
    token_kind kind = token_kind::end;
    std::string_view raw{};  ///< as in the text; of a string without its quotes
    position at{};
    std::size_t offset = 0;      ///< of its first byte, an opening quote included
    std::size_t end_offset = 0;  ///< behind its last one
    bool in_quotes = false;
    bool first_on_line = false;
    std::string_view problem{};  ///< of a bad token

    [[nodiscard]] bool is(std::string_view word) const noexcept {
        return kind == token_kind::word && !in_quotes && raw == word;
    }
    /// The word that is meant.
    [[nodiscard]] std::string word() const {
        if (!in_quotes) {
            return std::string(raw);
        }
        std::string text;
        for (std::size_t i = 0; i < raw.size(); ++i) {
            if (raw[i] != '\\' || i + 1 == raw.size()) {
                text += raw[i];
                continue;
            }
            const char c = raw[++i];
            text += c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
        }
        return text;
    }
};

class lexer {
public:
    lexer(std::string_view text, std::uint32_t source) noexcept : text_(text) {
        line_.source = source;
        line_.line = 1;
        if (text_.substr(0, 3) == "\xef\xbb\xbf") {
            at_ = line_start_ = 3;
        }
        read();
    }

    [[nodiscard]] const token& peek() const noexcept { return next_; }
    token take() noexcept {
        const token t = next_;
        read();
        return t;
    }
    /// The text from a token to the end of its line, at most `most` bytes.
    [[nodiscard]] std::string_view rest_of_line(const token& t, std::size_t most = 160) const noexcept {
        const std::string_view rest = text_.substr(t.offset, most);
        return rest.substr(0, rest.find('\n'));
    }
    /// Goes on behind the line of a token that was taken or is next.
    void skip_line(const token& t) noexcept {
        back_to(t);
        const auto line_end = text_.find('\n', at_);
        at_ = line_end == std::string_view::npos ? text_.size() : line_end;
        read();
    }
    /// Where a token ends.
    [[nodiscard]] static position end_of(const token& t) noexcept {
        position p = t.at;
        p.column += static_cast<std::uint32_t>(t.end_offset - t.offset);
        return p;
    }

private:
    void back_to(const token& t) noexcept {
        at_ = t.offset;
        line_.line = t.at.line;
        line_start_ = t.offset - (t.at.column - 1);
    }
    [[nodiscard]] position here(std::size_t offset) const noexcept {
        return {line_.source, line_.line, static_cast<std::uint32_t>(offset - line_start_ + 1)};
    }
    [[nodiscard]] bool ended() const noexcept { return at_ >= text_.size(); }
    [[nodiscard]] bool begins(std::string_view what) const noexcept { return text_.substr(at_, what.size()) == what; }
    void new_line() noexcept {
        ++at_;
        ++line_.line;
        line_start_ = at_;
    }

    /// Skips blanks and comments; true when the line began since the last token. False in `finished`: a comment does
    /// not end.
    bool skip_blanks(bool& finished) noexcept {
        bool fresh = at_ == line_start_;
        finished = true;
        while (!ended()) {
            const char c = text_[at_];
            if (c == '\n') {
                new_line();
                fresh = true;
            } else if (c == ' ' || c == '\t' || c == '\r') {
                ++at_;
            } else if (begins("\xc2\xa0")) {
                at_ += 2;
            } else if (c == '#') {
                const auto line_end = text_.find('\n', at_);
                at_ = line_end == std::string_view::npos ? text_.size() : line_end;
            } else if (begins("/*")) {
                const auto close = text_.find("*/", at_ + 2);
                if (close == std::string_view::npos) {
                    finished = false;
                    return fresh;
                }
                while (at_ < close + 2) {
                    if (text_[at_] == '\n') {
                        new_line();
                    } else {
                        ++at_;
                    }
                }
            } else {
                return fresh;
            }
        }
        return fresh;
    }

    void read() noexcept {
        bool finished = true;
        const bool fresh = skip_blanks(finished);
        next_ = {};
        next_.first_on_line = fresh;
        next_.offset = at_;
        next_.at = here(at_);
        if (!finished) {
            next_.kind = token_kind::bad;
            next_.problem = "a comment begins here and does not end";
            at_ = text_.size();
        } else if (!ended()) {
            switch (text_[at_]) {
                case '{': punctuation(token_kind::open); break;
                case '}': punctuation(token_kind::close); break;
                case '[': punctuation(token_kind::list_open); break;
                case ']': punctuation(token_kind::list_close); break;
                case ';': punctuation(token_kind::semicolon); break;
                case '"': string(); break;
                default: word();
            }
        }
        next_.end_offset = at_;
    }
    void punctuation(token_kind kind) noexcept {
        next_.kind = kind;
        next_.raw = text_.substr(at_++, 1);
    }
    void string() noexcept {
        const std::size_t begin = ++at_;
        while (!ended() && text_[at_] != '"' && text_[at_] != '\n') {
            at_ += text_[at_] == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n' ? 2U : 1U;
        }
        next_.raw = text_.substr(begin, at_ - begin);
        if (ended() || text_[at_] != '"') {
            next_.kind = token_kind::bad;
            next_.problem = "a string begins here and does not end on its line";
            return;
        }
        ++at_;
        next_.kind = token_kind::word;
        next_.in_quotes = true;
        for (const char c : next_.raw) {
            bad_character(c);
        }
    }
    void word() noexcept {
        const std::size_t begin = at_;
        next_.kind = token_kind::word;
        while (!ended() && !ends_word() && !begins("\xc2\xa0")) {
            bad_character(text_[at_++]);
        }
        next_.raw = text_.substr(begin, at_ - begin);
    }
    [[nodiscard]] bool ends_word() const noexcept {
        switch (text_[at_]) {
            case ' ':
            case '\t':
            case '\r':
            case '\n':
            case '{':
            case '}':
            case '[':
            case ']':
            case ';':
            case '"': return true;
            default: return false;
        }
    }
    void bad_character(char c) noexcept {
        if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) {
            next_.kind = token_kind::bad;
            next_.problem = "this is not text: it holds a control character";
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t line_start_ = 0;
    position line_{};
    token next_{};
};

}  // namespace ikealg::inline v0::junos

#endif
