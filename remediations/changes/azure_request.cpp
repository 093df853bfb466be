#include "remediations/changes/azure_request.hpp"

#include <fmt/format.h>

#include "remediations/machine/arm/versions.hpp"

namespace remediations {

using machine::ErrorKind;
using machine::Result;

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

Result<boost::json::value> read_in_azure(const machine::Machine& machine, const machine::ArmQuestion& question,
                                         std::string_view by_hand) {
    auto answer = machine.azure().ask(question);
    if (!answer && answer.error().kind == ErrorKind::unsupported) {
        return machine::Error::failed(fmt::format("Azure is not asked; add --vm VM-ID --token -, or {}", by_hand));
    }
    if (!answer) return answer.error();
    if (answer->status == 404) return boost::json::value(nullptr);
    if (answer->is_refusal()) return refused_by_azure(question, *answer);
    return std::move(answer->body);
}

Result<void> change_in_azure(machine::Machine& machine, const machine::ArmQuestion& request) {
    const auto answer = machine.azure().change(request);
    if (!answer) return answer.error();
    const bool is_gone = request.method == "DELETE" && answer->status == 404;
    if (answer->is_refusal() && !is_gone) return refused_by_azure(request, *answer);
    return {};
}

}  // namespace remediations
