#include "remediations/engine/root_cause.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <map>
#include <set>
#include <vector>

#include "remediations/engine/engine.hpp"
#include "remediations/engine/failures.hpp"

namespace remediations {

namespace {

using Found = std::vector<const Outcome*>;

Found left_with(std::span<const Outcome> outcomes, Weight weight) {
    Found found;
    for (const auto& outcome : outcomes) {
        if (is_left(outcome.finding.state) && outcome.finding.weight == weight) found.push_back(&outcome);
    }
    return found;
}

std::vector<std::string> ids_of(const Found& found) {
    std::vector<std::string> ids;
    for (const auto* outcome : found) ids.push_back(outcome->remediation->id);
    return ids;
}

/// Adds all direct and indirect consequences of `id` among the findings.
void add_consequences(const Found& found, const std::string& id, std::set<std::string>& reached) {
    for (const auto* outcome : found) {
        if (outcome->remediation->id != id) continue;
        for (const auto& consequence : outcome->remediation->consequences) {
            if (reached.insert(consequence).second) add_consequences(found, consequence, reached);
        }
    }
}

/// Returns the outcomes with a history: logs tell of them, the machine no longer shows them.
Found told_by_logs(std::span<const Outcome> outcomes) {
    Found found;
    for (const auto& outcome : outcomes) {
        if (outcome.finding.history) found.push_back(&outcome);
    }
    return found;
}

/// Adds such causes where findings that rest on the last run follow from them, or where they explain the error code of
/// the vault's failed job.
void add_origins_in_logs(Found& causes, std::span<const Outcome> outcomes, std::string_view error_code) {
    const auto is_left_behind = [&](const std::string& id) {
        return std::ranges::any_of(causes, [&](const auto* cause) {
            return cause->finding.basis == Basis::last_run && cause->remediation->id == id;
        });
    };
    const bool has_failed_job = std::ranges::any_of(causes, [](const auto* cause) {
        return cause->finding.is_envelope && cause->remediation->layer == Layer::vault;
    });
    Found added;
    for (const auto* told : told_by_logs(outcomes)) {
        const bool explains_job =
            has_failed_job && told->remediation->layer == Layer::vault && explains(*told->remediation, error_code);
        if (explains_job || std::ranges::any_of(told->remediation->consequences, is_left_behind)) added.push_back(told);
    }
    causes.insert(causes.end(), added.begin(), added.end());
    std::ranges::stable_sort(causes, {}, [](const auto* outcome) { return outcome->remediation->layer; });
}

/// Returns those that follow from none of the others; all of them where each follows from another.
Found origins(const Found& found) {
    std::set<std::string> explained;
    for (const auto* outcome : found) {
        std::set<std::string> reached{outcome->remediation->id};
        add_consequences(found, outcome->remediation->id, reached);
        reached.erase(outcome->remediation->id);
        explained.merge(reached);
    }
    auto rest = found;
    std::erase_if(rest, [&](const auto* outcome) { return explained.contains(outcome->remediation->id); });
    return rest.empty() ? found : rest;
}

Found explaining(const Found& found, std::string_view error_code) {
    auto those = found;
    std::erase_if(those, [&](const auto* outcome) { return !explains(*outcome->remediation, error_code); });
    return those;
}

/// Returns how well a finding is proven; 0 is best.
int ground_of(const Outcome& outcome, std::span<const Failure* const> failures) {
    const bool claims_run = std::ranges::any_of(
        failures, [&](const auto* failure) { return failure->in_failed_run && claims(outcome, *failure); });
    const auto& finding = outcome.finding;
    if (finding.is_envelope) return 5;
    if (finding.is_suspicion) return claims_run ? 1 : 4;
    if (finding.basis != Basis::last_run && !finding.history && !is_unexplained(*outcome.remediation)) {
        return claims_run ? 0 : 1;
    }
    return claims_run ? 2 : 3;
}

const Outcome* choose(const Found& origins, std::string_view error_code, std::span<const Failure* const> failures) {
    const auto named = explaining(origins, error_code);
    const auto is_vault = [](const auto* outcome) { return outcome->remediation->layer == Layer::vault; };
    // Only the code shows a cause outside the VM: it counts where nothing inside explains the code.
    if (!named.empty() && std::ranges::all_of(named, is_vault)) return named.front();
    // A cause that is seen inside the VM and explains the code comes before one that only the code shows.
    auto candidates = origins;
    if (!named.empty()) std::erase_if(candidates, is_vault);
    const auto rank = [&](const Outcome* outcome) {
        const bool is_named = std::ranges::find(named, outcome) != named.end();
        return std::tuple(ground_of(*outcome, failures), outcome->remediation->layer, !is_named);
    };
    return *std::ranges::min_element(candidates, {}, rank);
}

std::string reason_for(const Outcome& root, const Found& causes, std::string_view error_code) {
    const auto layer = to_string(root.remediation->layer);
    std::set<std::string> follows;
    add_consequences(causes, root.remediation->id, follows);
    auto others = ids_of(causes);
    std::erase_if(others, [&](const auto& id) { return !follows.contains(id) || id == root.remediation->id; });
    std::string reason;
    if (root.finding.history) {
        reason = fmt::format("{} tells of it (\"{}\"), though the machine shows it no longer: start a backup.",
                             root.finding.history->where, root.finding.history->seen.substr(0, 300));
        if (!others.empty()) reason += fmt::format(" It explains {}.", fmt::join(others, ", "));
    } else if (causes.size() == 1) {
        reason = fmt::format("It is the only thing found broken, in layer {}.", layer);
    } else if (others.size() + 1 == causes.size()) {
        reason = fmt::format("Everything else found broken follows from it: {}.", fmt::join(others, ", "));
    } else if (root.remediation->layer == Layer::vault) {
        reason = "Nothing found inside the VM explains the error code.";
    } else {
        reason = fmt::format(
            "{} things were found broken. Of those that are most certain, this one is the first in the "
            "pipeline (layer {}).",
            causes.size(), layer);
        if (!others.empty()) reason += fmt::format(" It also explains {}.", fmt::join(others, ", "));
    }
    if (explains(*root.remediation, error_code)) reason += fmt::format(" It explains {}.", error_code);
    return reason;
}

/// Returns, where nothing was found, the layer that has most remediations for the code, and which of them are unknown.
std::string where_the_code_points(std::span<const Outcome> outcomes, std::string_view error_code) {
    std::map<Layer, std::vector<const Outcome*>> by_layer;
    for (const auto& outcome : outcomes) {
        if (explains(*outcome.remediation, error_code)) by_layer[outcome.remediation->layer].push_back(&outcome);
    }
    if (by_layer.empty()) return {};
    const auto& [layer, candidates] =
        *std::ranges::max_element(by_layer, {}, [](const auto& entry) { return entry.second.size(); });
    std::vector<std::string> unseen;
    for (const auto* candidate : candidates) {
        if (candidate->finding.state == State::unknown) unseen.push_back(candidate->remediation->id);
    }
    return fmt::format("{} points to layer {}; {}", error_code, to_string(layer),
                       unseen.empty() ? "nothing in it was found broken."
                                      : fmt::format("there {} could not be looked at.", fmt::join(unseen, ", ")));
}

}  // namespace

std::vector<std::string> origins_of(const Remediation& remediation, std::span<const Outcome> outcomes) {
    const auto causes = left_with(outcomes, Weight::cause);
    std::vector<std::string> found;
    for (const auto* origin : origins(causes)) {
        std::set<std::string> reached;
        add_consequences(causes, origin->remediation->id, reached);
        const auto& id = origin->remediation->id;
        if (id != remediation.id && reached.contains(remediation.id)) found.push_back(id);
    }
    return found;
}

bool is_left(State state) {
    return state == State::broken || state == State::needs_approval || state == State::needs_operator;
}

RootCause root_cause_of(std::span<const Outcome> outcomes, std::string_view error_code,
                        std::span<const Failure* const> failures) {
    auto causes = left_with(outcomes, Weight::cause);
    add_origins_in_logs(causes, outcomes, error_code);
    // A cause that a log names comes before suspicions.
    if (std::ranges::all_of(causes, [](const auto* cause) { return cause->finding.is_suspicion; })) {
        const auto told = told_by_logs(outcomes);
        causes.insert(causes.end(), told.begin(), told.end());
    }
    if (!causes.empty()) {
        const auto* root = choose(origins(causes), error_code, failures);
        return {root->remediation, reason_for(*root, causes, error_code)};
    }
    const auto risks = left_with(outcomes, Weight::risk);
    if (risks.empty()) return {nullptr, where_the_code_points(outcomes, error_code)};
    if (const auto likely = explaining(risks, error_code); !likely.empty()) {
        return {likely.front()->remediation,
                fmt::format("Nothing found broken proves it, but it makes {} likelier than anything else seen.",
                            error_code)};
    }
    return {nullptr, fmt::format("Nothing found makes backups fail by itself; {} make{} it likelier.",
                                 fmt::join(ids_of(risks), ", "), risks.size() == 1 ? "s" : "")};
}

}  // namespace remediations
