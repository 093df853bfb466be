#include "remediations/engine/catalogue.hpp"

#include <algorithm>

#include "remediations/engine/catalogue_entries.hpp"
#include "remediations/engine/failures.hpp"

namespace remediations {

std::span<const Remediation* const> catalogue() {
#define ADDRESS_OF(name) &causes::name::remediation,
    static const auto all = [] {
        std::vector<const Remediation*> entries = {REMEDIATIONS(ADDRESS_OF)};
        const auto rest = unexplained_failures();
        entries.insert(entries.end(), rest.begin(), rest.end());
        std::ranges::stable_sort(entries, {}, &Remediation::layer);
        return entries;
    }();
#undef ADDRESS_OF
    return all;
}

const Remediation* find_remediation(std::string_view id) {
    const auto all = catalogue();
    const auto found = std::ranges::find(all, id, [](const auto* entry) -> std::string_view { return entry->id; });
    return found == all.end() ? nullptr : *found;
}

std::vector<const Remediation*> remediations_for(std::string_view error_code) {
    std::vector<const Remediation*> explaining;
    std::ranges::copy_if(catalogue(), std::back_inserter(explaining),
                         [&](const auto* entry) { return explains(*entry, error_code); });
    return explaining;
}

}  // namespace remediations
