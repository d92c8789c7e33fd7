// SPDX-License-Identifier: Apache-2.0
/// Signals as a descriptor that the event loop polls.
#ifndef GATEWAY_SIGNALS_HPP
#define GATEWAY_SIGNALS_HPP

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <optional>

namespace gateway_example {

/// Blocks SIGTERM, SIGINT, SIGHUP and SIGUSR1 and collects them. `fd()` is -1 if the kernel refused.
class signals {
public:
    signals() {
        sigset_t set;
        sigemptyset(&set);
        for (const int s : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) {
            sigaddset(&set, s);
        }
        (void)sigprocmask(SIG_BLOCK, &set, nullptr);
        (void)std::signal(SIGPIPE, SIG_IGN);
        fd_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    }
    signals(const signals&) = delete;
    signals& operator=(const signals&) = delete;
    ~signals() {
        if (fd_ >= 0) {
            (void)close(fd_);
        }
    }

    [[nodiscard]] int fd() const noexcept { return fd_; }
    /// The next signal that came, if one did.
    [[nodiscard]] std::optional<int> next() const {
        signalfd_siginfo info{};
        return read(fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info) ? std::optional{static_cast<int>(info.ssi_signo)}
                                                                                  : std::nullopt;
    }

private:
    int fd_ = -1;
};

}  // namespace gateway_example

#endif
