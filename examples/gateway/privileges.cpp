// SPDX-License-Identifier: Apache-2.0
#include "privileges.hpp"

#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace gateway_example {
namespace {

constexpr std::uint32_t kept = 1U << CAP_NET_RAW | 1U << CAP_NET_ADMIN;

[[nodiscard]] std::string failed(const std::string& what) { return what + ": " + std::strerror(errno); }

using capability_sets = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

[[nodiscard]] bool get_capabilities(capability_sets& sets) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    return syscall(SYS_capget, &header, sets.data()) == 0;
}

[[nodiscard]] bool set_capabilities(std::uint32_t permitted) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    const capability_sets sets{{{permitted, permitted, 0}, {0, 0, 0}}};
    return syscall(SYS_capset, &header, sets.data()) == 0;
}

}  // namespace

std::string drop_privileges(const std::string& user) {
    capability_sets have{};
    if (!get_capabilities(have)) {
        return failed("reading the capabilities");
    }
    const std::uint32_t keep = have[0].permitted & kept;
    const bool may_bound = (have[0].effective & 1U << CAP_SETPCAP) != 0;
    if (may_bound) {
        for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; ++cap) {
            if ((cap > 31 || (kept >> cap & 1U) == 0) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0) {
                return failed("dropping capability " + std::to_string(cap));
            }
        }
        // Without this a process of uid 0 would have all again after the next exec.
        if (prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS, 0, 0, 0) != 0) {
            return failed("setting the securebits");
        }
    }
    if (!user.empty()) {
        const passwd* entry = getpwnam(user.c_str());
        if (entry == nullptr) {
            return "user " + user + " is not known";
        }
        if (initgroups(entry->pw_name, entry->pw_gid) != 0 || setgid(entry->pw_gid) != 0 || setuid(entry->pw_uid) != 0) {
            return failed("becoming user " + user);
        }
    }
    if (!set_capabilities(keep)) {
        return failed("dropping capabilities");
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return failed("setting no_new_privs");
    }
    return {};
}

}  // namespace gateway_example
