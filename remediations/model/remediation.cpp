#include "remediations/model/remediation.hpp"

#include <fmt/format.h>

#include <boost/algorithm/string/predicate.hpp>
#include <stdexcept>

#include "remediations/model/error_codes.hpp"

namespace remediations {

std::string_view to_string(Layer layer) {
    switch (layer) {
        case Layer::guest_agent:
            return "guest-agent";
        case Layer::backup_extension:
            return "backup-extension";
        case Layer::os_snapshot:
            return "os-snapshot";
        case Layer::managed_disk:
            return "managed-disk";
        case Layer::network:
            return "network";
        case Layer::vault:
            return "vault";
    }
    return "";
}

std::string_view to_string(Disruption disruption) {
    switch (disruption) {
        case Disruption::none:
            return "none";
        case Disruption::agent_restart:
            return "agent-restart";
        case Disruption::service_restart:
            return "service-restart";
        case Disruption::workload:
            return "workload";
    }
    return "";
}

std::string_view to_string(State state) {
    switch (state) {
        case State::healthy:
            return "healthy";
        case State::broken:
            return "broken";
        case State::fixed:
            return "fixed";
        case State::unproven:
            return "unproven";
        case State::needs_approval:
            return "needs-approval";
        case State::needs_operator:
            return "needs-operator";
        case State::not_applicable:
            return "not-applicable";
        case State::unknown:
            return "unknown";
    }
    return "";
}

std::string_view to_string(Scope scope) {
    switch (scope) {
        case Scope::linux:
            return "linux";
        case Scope::windows:
            return "windows";
        case Scope::both:
            return "both";
    }
    return "";
}

Disruption parse_disruption(std::string_view word) {
    for (const auto known :
         {Disruption::none, Disruption::agent_restart, Disruption::service_restart, Disruption::workload}) {
        if (to_string(known) == word) return known;
    }
    throw std::invalid_argument(fmt::format("'{}' is none of: none, agent-restart, service-restart, workload", word));
}

bool applies_to(Scope scope, machine::Platform platform) {
    return scope == Scope::both || (scope == Scope::windows) == (platform == machine::Platform::windows);
}

Finding Finding::as_risk() && {
    weight = Weight::risk;
    return std::move(*this);
}

Finding Finding::as_security_change() && {
    changes_security = true;
    return std::move(*this);
}

Finding Finding::healthy(std::string summary, std::vector<Evidence> evidence) {
    return {State::healthy, std::move(summary), std::move(evidence), {}, {}};
}

Finding Finding::broken(std::string summary, std::vector<Evidence> evidence, std::string action) {
    return {State::broken, std::move(summary), std::move(evidence), std::move(action), {}};
}

Finding Finding::needs_operator(std::string summary, std::vector<Evidence> evidence, std::string action) {
    return {State::needs_operator, std::move(summary), std::move(evidence), std::move(action), {}};
}

Finding Finding::not_applicable(std::string summary) {
    return {State::not_applicable, std::move(summary), {}, {}, {}};
}

Finding Finding::unknown(const std::string& looked_at, const machine::Error& error) {
    // Many errors name what they are about.
    const auto named = looked_at + ": ";
    const auto why = error.message.starts_with(named) ? error.message.substr(named.size()) : error.message;
    const bool names_it = why.find(looked_at) != std::string::npos;
    return {State::unknown,
            names_it ? fmt::format("Could not look: {}", why) : fmt::format("Could not look at {}: {}", looked_at, why),
            {{looked_at, why, "readable"}},
            fmt::format("Find out why {} cannot be read, then run the diagnosis again.", looked_at),
            {}};
}

bool explains(const Remediation& remediation, std::string_view error_code) {
    if (error_code.empty()) return false;
    const auto* known = find_error_code(error_code);
    return std::ranges::any_of(remediation.error_codes, [&](std::string_view code) {
        const bool family = code.ends_with('*');
        if (family) return boost::istarts_with(error_code, code.substr(0, code.size() - 1));
        const auto is_code = [&](std::string_view name) { return boost::iequals(code, name); };
        return is_code(error_code) || (known && std::ranges::any_of(known->names, is_code));
    });
}

}  // namespace remediations
