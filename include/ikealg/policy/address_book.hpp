// SPDX-License-Identifier: Apache-2.0
/// An address book: named addresses and address-sets, resolved to ranges.
///
/// Thread safety: const members may run concurrently. Configuration path only.
#ifndef IKEALG_POLICY_ADDRESS_BOOK_HPP
#define IKEALG_POLICY_ADDRESS_BOOK_HPP

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ikealg/base/address_spec.hpp"
#include "ikealg/base/configuration_error.hpp"
#include "ikealg/policy/name_sets.hpp"
#include "ikealg/policy/policy_settings.hpp"

namespace ikealg::inline v0::policy {

/// The book of one zone, or the global one.
template <class Family>
class address_book {
public:
    /// Reports prefixes with host bits, empty ranges and everything `name_sets` does, below `path`.
    address_book(const address_book_settings<Family>& settings, const std::string& path, configuration_report& report)
        : names_("address", "address-set", path) {
        for (const auto& address : settings.addresses) {
            const std::string statement = path + " address " + address.name;
            if (is_reserved(address.name)) {
                report.error(statement, "address " + address.name + " is predefined");
            }
            if (const auto defect = defect_of(address.value)) {
                report.error(statement, *defect);
            }
            names_.add_item(address.name, report);
            ranges_.push_back(range_of(address.value));
        }
        for (const auto& set : settings.address_sets) {
            if (is_reserved(set.name)) {
                report.error(path + " address-set " + set.name, "address " + set.name + " is predefined");
            }
            names_.add_set(set.name, set.addresses, set.address_sets, report);
        }
        names_.resolve(report);
    }

    /// Appends what `name` stands for; false when this book does not define it.
    bool append(std::string_view name, std::vector<address_range<Family>>& to) const {
        const auto* items = names_.find(name);
        if (items == nullptr) {
            return false;
        }
        for (const auto item : *items) {
            to.push_back(ranges_[item]);
        }
        return true;
    }
    [[nodiscard]] const name_index& names() const noexcept { return names_.names(); }

    /// The names that are defined without a book: `any` and `any-ipv4` or `any-ipv6` are every address, the name of
    /// the other family is none.
    [[nodiscard]] static bool is_reserved(std::string_view name) noexcept {
        return name == "any" || name == "any-ipv4" || name == "any-ipv6";
    }
    static void append_reserved(std::string_view name, std::vector<address_range<Family>>& to) {
        if (name == "any" || name == (Family::version == 4 ? "any-ipv4" : "any-ipv6")) {
            to.push_back(all_addresses<Family>());
        }
    }

private:
    name_sets names_;
    std::vector<address_range<Family>> ranges_{};
};

}  // namespace ikealg::inline v0::policy

#endif
