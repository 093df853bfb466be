#include "remediations/knowledge/extension/windows_installer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <charconv>

#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/logs/event_evidence.hpp"
#include "remediations/knowledge/logs/log_line.hpp"
#include "remediations/knowledge/windows/windows_paths.hpp"

namespace remediations {

using machine::Event;
using machine::Machine;

namespace {

/// 1033 says how an installation ended. 11708: it failed; 11401, 11402, 11406: because a registry key could not be
/// created, opened or written.
constexpr std::uint32_t ended = 1033;
constexpr std::uint32_t failed = 11708;

EventPattern endings() {
    return {"Application", "MsiInstaller", {ended, failed, 11401, 11402, 11406}};
}

struct Status {
    int code;
    std::string_view meaning;
    std::string_view action;
};

constexpr std::string_view look_into_log =
    "Install it by hand with a log (msiexec /i <file>.msi /L*v <log>) and see the lines above \"Return value 3\".";

/// From winerror.h. Other codes are not failures, or are not known to matter.
constexpr Status failures[] = {
    {1601, "error 1601, because the service Windows Installer cannot be used",
     "Set the start type of msiserver to manual and see that it starts."},
    {1603, "fatal error 1603, which one of its steps made", look_into_log},
    {1618, "error 1618, because another installation was running",
     "Let the other installation end, or restart the VM where it hangs; then try again."},
    {1619, "error 1619, because the package cannot be opened",
     "See that the package is there, whole, and readable for SYSTEM."},
    {1625, "error 1625, because a policy of the system forbids it",
     "Let the policies of Windows Installer (DisableMSI) and of software restriction allow it."},
    {1633, "error 1633, because the package is for another processor", "Install the package for this processor."},
};
constexpr Status registry_denied = {
    0, "an error because a key of the registry cannot be written",
    "Give SYSTEM and Administrators full control of the key that the event quotes, mostly below "
    "HKLM\\SOFTWARE\\Classes, or exclude the installation from the antivirus that protects it."};
constexpr Status unknown_failure = {0, "an error", look_into_log};

/// Returns how much a status says: that the installation failed, that one of its steps failed, or why.
int says_more(const Status& status) {
    constexpr int some_step = 1603;
    return &status == &unknown_failure ? 0 : status.code == some_step ? 1 : 2;
}

/// Returns nullptr where the installation succeeded or changed nothing.
const Status* failure_in(const Event& event) {
    if (event.id == failed) return &unknown_failure;
    if (event.id != ended) return &registry_denied;
    // Product, version, language, status, manufacturer.
    constexpr std::size_t place_of_status = 3;
    if (event.data.size() <= place_of_status) return nullptr;
    const auto& text = event.data[place_of_status];
    int code = 0;
    std::from_chars(text.data(), text.data() + text.size(), code);
    const auto* known = std::ranges::find(failures, code, &Status::code);
    return known == std::end(failures) ? nullptr : known;
}

/// Returns the ASCII letters of a text that may be UTF-16, little-endian; '?' for other characters.
std::string plain(std::string_view text) {
    constexpr std::string_view byte_order_mark = "\xFF\xFE";
    if (!text.starts_with(byte_order_mark) && text.substr(0, 64).find('\0') == std::string_view::npos) {
        return std::string(text);
    }
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    // A part of a file can begin within a letter.
    if (!text.empty() && text.front() == '\0') text.remove_prefix(1);
    std::string letters;
    letters.reserve(text.size() / 2);
    for (std::size_t at = 0; at + 1 < text.size(); at += 2) letters += text[at + 1] == '\0' ? text[at] : '?';
    return letters;
}

}  // namespace

std::optional<FailedInstallation> failed_installation(const Machine& machine, std::string_view product) {
    // One failure leaves several events.
    constexpr auto longest_installation = std::chrono::minutes(10);
    std::vector<const Event*> events;
    const Status* reason = nullptr;
    for (const auto* event : machine.derived<EventEvidence>().find(endings())) {
        if (event->data.empty() || !boost::icontains(event->data.front(), product)) continue;
        const auto* failure = failure_in(*event);
        const bool counts = machine.derived<LastRun>().bearing_of(event->time) != LastRun::Bearing::history;
        const bool is_of_newest = events.empty() || events.front()->time - event->time <= longest_installation;
        if (failure == nullptr || !counts || !is_of_newest) break;
        events.push_back(event);
        if (reason == nullptr || says_more(*failure) > says_more(*reason)) reason = failure;
    }
    if (events.empty()) return std::nullopt;
    FailedInstallation found{{}, std::string(reason->meaning), std::string(reason->action)};
    for (const auto* event : events) found.evidence.push_back(evidence_of(*event, "it is installed"));
    return found;
}

std::vector<EventPattern> installer_events() {
    return {endings()};
}

std::vector<Signal> installation_failures(const std::string& product) {
    std::vector<Signal> all{{.role = Role::proof,
                             .event = {"Application", "MsiInstaller", {failed, 11401, 11402, 11406}},
                             .with = {product}}};
    for (const auto& failure : failures) {
        all.push_back({.role = Role::proof,
                       .event = {"Application", "MsiInstaller", {ended}},
                       .with = {product, std::to_string(failure.code)}});
    }
    return all;
}

std::vector<std::string> failure_in_installer_log(std::string_view log) {
    constexpr std::string_view marks[] = {"returned actual error code ", "MainEngineThread is returning "};
    const auto text = plain(log);
    std::vector<std::string> last(std::size(marks));
    for (std::string_view rest = text; !rest.empty();) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        for (std::size_t index = 0; index < std::size(marks); ++index) {
            const auto at = line.find(marks[index]);
            if (at != std::string_view::npos) last[index] = printable(line.substr(0, line.find('\r')));
        }
    }
    // An installation that ended well did not fail, whatever one of its steps returned.
    const auto& end = last.back();
    for (const std::string_view well : {" 0", " 1638", " 1641", " 3010"}) {
        if (end.ends_with(well)) return {};
    }
    std::erase(last, std::string());
    return last;
}

std::vector<Evidence> agent_installer_log(const Machine& machine) {
    const auto path = windows_folder(machine) + R"(\Panther\msiexec.log)";
    const auto status = machine.files().status(path);
    if (!status || status->size == 0) return {};
    constexpr std::uint64_t most = std::uint64_t{512} << 10;
    // A whole number of letters before it, where it is UTF-16.
    const auto begin = status->size > most ? (status->size - most) & ~std::uint64_t{1} : 0;
    const auto end = machine.files().read_range(path, begin, most);
    std::vector<Evidence> evidence;
    for (auto& line : end ? failure_in_installer_log(*end) : std::vector<std::string>{}) {
        evidence.push_back({path, std::move(line), "MainEngineThread is returning 0"});
    }
    return evidence;
}

}  // namespace remediations
