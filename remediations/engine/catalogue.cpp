#include "remediations/engine/catalogue.hpp"

#include <algorithm>

#include "remediations/engine/catalogue_entries.hpp"
#include "remediations/engine/failures.hpp"

namespace remediations {

namespace {

/// Made at the first use: most starts of the program ask for no cause.
const std::vector<Remediation>& all_causes() {
#define ADD(name) all.push_back(causes::name::remediation());
    static const auto made = [] {
        std::vector<Remediation> all;
        REMEDIATIONS(ADD)
        return all;
    }();
#undef ADD
    return made;
}

}  // namespace

std::span<const Remediation* const> catalogue() {
    static const auto all = [] {
        std::vector<const Remediation*> entries;
        for (const auto& cause : all_causes()) entries.push_back(&cause);
        const auto rest = unexplained_failures();
        entries.insert(entries.end(), rest.begin(), rest.end());
        std::ranges::stable_sort(entries, {}, &Remediation::layer);
        return entries;
    }();
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
