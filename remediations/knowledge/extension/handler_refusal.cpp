#include "remediations/knowledge/extension/handler_refusal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/reasons/reasons_in.hpp"

namespace remediations {

namespace {

bool has_reason(const std::vector<Reason>& reasons, Reason::Kind kind, std::int64_t number) {
    return std::ranges::any_of(reasons,
                               [&](const Reason& reason) { return reason.kind == kind && reason.number == number; });
}

HandlerRefusal::What what_of(const std::string& message, const std::vector<Reason>& reasons) {
    using What = HandlerRefusal::What;
    constexpr std::int64_t no_space = 28;         // ENOSPC
    constexpr std::int64_t quota_exceeded = 122;  // EDQUOT
    // A command that ran and failed may name everything else in its output.
    if (boost::icontains(message, "exit code") || boost::icontains(message, "timeout(") ||
        boost::icontains(message, "[stderr]")) {
        return What::command;
    }
    if (boost::icontains(message, "processing is disabled")) return What::switched_off;
    if (boost::icontains(message, "policy")) return What::policy;
    if (has_reason(reasons, Reason::Kind::errno_value, no_space) ||
        has_reason(reasons, Reason::Kind::errno_value, quota_exceeded)) {
        return What::no_room;
    }
    if (boost::icontains(message, "execution of dependent extension")) return What::dependency;
    if (boost::icontains(message, "unable to find version")) return What::no_version;
    if (boost::icontains(message, "download") || boost::icontains(message, "uris")) return What::download;
    return What::other;
}

}  // namespace

std::optional<HandlerRefusal> handler_refusal(const ExtensionFolder& folder) {
    if (folder.handler_status != "NotReady" || folder.handler_code == 0) return std::nullopt;
    HandlerRefusal refusal;
    refusal.version = folder.version;
    refusal.message = folder.handler_message;
    refusal.reasons = reasons_in(folder.handler_message);
    refusal.what = what_of(folder.handler_message, refusal.reasons);
    constexpr std::size_t longest_quote = 1500;
    refusal.evidence = {
        folder.path + "/config/HandlerStatus",
        fmt::format("NotReady, code {}: {}", folder.handler_code, folder.handler_message.substr(0, longest_quote)),
        "Ready"};
    return refusal;
}

std::optional<HandlerRefusal> handler_refusal(const InstalledExtension& installed) {
    for (auto folder = installed.folders.rbegin(); folder != installed.folders.rend(); ++folder) {
        if (auto refusal = handler_refusal(*folder)) return refusal;
    }
    return std::nullopt;
}

}  // namespace remediations
