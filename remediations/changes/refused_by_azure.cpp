#include "remediations/changes/refused_by_azure.hpp"

#include <fmt/format.h>

#include "remediations/machine/arm/versions.hpp"

namespace remediations {

machine::Error refused_by_azure(const machine::ArmQuestion& request, const machine::ArmAnswer& answer) {
    const auto code = answer.code.empty() ? fmt::format("HTTP {}", answer.status) : answer.code;
    auto message = fmt::format("Azure refuses it ({})", code);
    if (code == "ScopeLocked") message += ": a lock on it, or above it, forbids it";
    if (answer.status == 403 && code != "RequestDisallowedByPolicy") {
        message += fmt::format(": this identity lacks {}", machine::arm::action_for(request));
    }
    if (!answer.correlation_id.empty()) message += fmt::format("; correlation id {}", answer.correlation_id);
    return machine::Error::refused(std::move(message), static_cast<long>(answer.status));
}

}  // namespace remediations
