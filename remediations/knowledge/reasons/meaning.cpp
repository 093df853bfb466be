#include "remediations/knowledge/reasons/meaning.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/replace.hpp>

#include "remediations/knowledge/reasons/event_rows.hpp"
#include "remediations/knowledge/reasons/find_row.hpp"
#include "remediations/model/error_codes.hpp"

namespace remediations {

namespace {

constexpr std::int64_t no_more_than_exit_code = 255;
constexpr std::int64_t ended_by_signal = 128;  ///< a shell adds it to the signal's number

const char* usual_look(Reason::Kind kind) {
    switch (kind) {
        case Reason::Kind::errno_value:
            return "The file, device or address in the line.";
        case Reason::Kind::win32:
        case Reason::Kind::hresult:
        case Reason::Kind::ntstatus:
            return "What the line names, and the Application and System logs at that time.";
        case Reason::Kind::http:
            return "Whose answer it is: the address in the line.";
        case Reason::Kind::exit_code:
        case Reason::Kind::signal:
            return "What the command printed, and the system's log at that time.";
        case Reason::Kind::sql:
            return "The SQL Server error log of that time.";
        case Reason::Kind::python:
        case Reason::Kind::dotnet:
            return "What stands behind it in the line, and the lines above.";
        case Reason::Kind::openssl:
            return "openssl version -a, and the certificate or connection in question.";
        case Reason::Kind::extension_code:
            return "extension.log of that run.";
        case Reason::Kind::agent_code:
            return "waagent.log, and the handler's message.";
        case Reason::Kind::job_code:
            return "The error text of the job, then this program's diagnose in the VM.";
    }
    return "";
}

Meaning with_usual_look(Meaning meaning, Reason::Kind kind) {
    if (meaning.look_at.empty()) meaning.look_at = usual_look(kind);
    return meaning;
}

std::optional<Meaning> of_row(const ReasonRow* row, Reason::Kind kind) {
    if (row == nullptr) return std::nullopt;
    return with_usual_look({row->name, row->meaning, row->for_backup, row->look_at}, kind);
}

std::optional<Meaning> of_row(const NameRow* row, Reason::Kind kind) {
    if (row == nullptr) return std::nullopt;
    return with_usual_look({row->name, row->meaning, row->for_backup, row->look_at}, kind);
}

std::optional<Meaning> of_errno(std::int64_t number) {
    const auto* row = find_number(errno_rows(), number);
    if (row == nullptr) return std::nullopt;
    return with_usual_look({row->name, fmt::format("{}.", row->text), row->for_backup, row->look_at},
                           Reason::Kind::errno_value);
}

std::optional<Meaning> of_hresult(std::int64_t number) {
    constexpr auto kind = Reason::Kind::hresult;
    constexpr std::int64_t of_win32 = 0x8007;
    constexpr std::int64_t half = 0xFFFF;
    if (number >> 16 == of_win32) return of_row(find_number(win32_rows(), number & half), kind);
    return of_row(find_number(hresult_rows(), number), kind);
}

std::optional<Meaning> of_http(const Reason& reason) {
    if (const auto* row = find_name(service_code_rows(), reason.name)) return of_row(row, reason.kind);
    if (const auto* row = find_number(http_rows(), reason.number)) return of_row(row, reason.kind);
    constexpr std::int64_t client = 400;
    constexpr std::int64_t server = 500;
    constexpr std::int64_t end = 600;
    if (reason.number < client || reason.number >= end) return std::nullopt;
    return with_usual_look(
        {"", reason.number < server ? "The server refuses the request." : "The server failed.", "", ""}, reason.kind);
}

std::optional<Meaning> of_exit_code(std::int64_t number) {
    constexpr auto kind = Reason::Kind::exit_code;
    if (const auto* row = find_number(exit_code_rows(), number)) return of_row(row, kind);
    if (const auto* row = find_number(signal_rows(), number - ended_by_signal)) {
        return with_usual_look(
            {fmt::format("128 + {}", row->name), fmt::format("A signal ended the command: {}.", row->name),
             row->for_backup, row->look_at},
            kind);
    }
    if (number <= 0 || number > no_more_than_exit_code) return std::nullopt;
    return with_usual_look({"", "The command ended with a code of its own.", "", ""}, kind);
}

/// Returns the last part of a dotted name.
std::string_view without_modules(std::string_view name) {
    const auto dot = name.rfind('.');
    return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

/// Returns the meaning of a code of Azure Backup or its agents: from error_codes.cpp, with the additions in `row`.
std::optional<Meaning> of_product(const ErrorCode* code, const ReasonRow* row, Reason::Kind kind) {
    if (code == nullptr && row == nullptr) return std::nullopt;
    Meaning meaning;
    if (row != nullptr) meaning = {row->name, row->meaning, row->for_backup, row->look_at};
    if (code != nullptr) {
        // A code whose number is its only name has none.
        const auto named = std::ranges::find_if_not(code->names, [](std::string_view name) {
            return name.find_first_not_of("0123456789") == std::string_view::npos;
        });
        if (meaning.name.empty() && named != code->names.end()) meaning.name = *named;
        if (meaning.meaning.empty()) meaning.meaning = code->meaning;
        if (meaning.for_backup.empty() && !code->causes.empty()) {
            meaning.for_backup = fmt::format("Usual causes: {}.", fmt::join(code->causes, "; "));
        }
    }
    return with_usual_look(std::move(meaning), kind);
}

/// Returns the name of the code in error_codes.cpp: its number, or its name where it has no number.
std::string key_of(const Reason& reason) {
    const bool has_name_alone = reason.number == 0 && !reason.name.empty();
    return has_name_alone ? reason.name : std::to_string(reason.number);
}

const ErrorCode* code_of(const Reason& reason, CodeOrigin origin) {
    const auto* code = find_error_code(key_of(reason));
    return code != nullptr && code->origin == origin ? code : nullptr;
}

std::optional<Meaning> of_job(const Reason& reason) {
    const auto* code = find_error_code(key_of(reason));
    const bool is_of_jobs =
        code != nullptr && code->origin != CodeOrigin::linux_extension && code->origin != CodeOrigin::guest_agent;
    return of_product(is_of_jobs ? code : nullptr, nullptr, reason.kind);
}

std::optional<EventSource> source_of(std::string_view provider) {
    if (boost::istarts_with(provider, "MSSQL$")) return EventSource::sql_server;
    const auto names = event_source_names();
    const auto found =
        std::ranges::find_if(names, [&](const EventSourceName& each) { return boost::iequals(each.name, provider); });
    return found == names.end() ? std::nullopt : std::optional(found->source);
}

}  // namespace

std::optional<Meaning> meaning_of(const Reason& reason) {
    switch (reason.kind) {
        case Reason::Kind::errno_value:
            return of_errno(reason.number);
        case Reason::Kind::win32:
            return of_row(find_number(win32_rows(), reason.number), reason.kind);
        case Reason::Kind::hresult:
            return of_hresult(reason.number);
        case Reason::Kind::ntstatus:
            return of_row(find_number(nt_status_rows(), reason.number), reason.kind);
        case Reason::Kind::http:
            return of_http(reason);
        case Reason::Kind::exit_code:
            return of_exit_code(reason.number);
        case Reason::Kind::signal:
            return of_row(find_number(signal_rows(), reason.number), reason.kind);
        case Reason::Kind::sql:
            return of_row(find_number(sql_rows(), reason.number), reason.kind);
        case Reason::Kind::python:
            return of_row(find_name(python_rows(), without_modules(reason.name)), reason.kind);
        case Reason::Kind::dotnet:
            return of_row(find_name(dotnet_rows(), without_modules(reason.name)), reason.kind);
        case Reason::Kind::openssl:
            return of_row(
                find_name(openssl_rows(), boost::replace_all_copy(boost::to_lower_copy(reason.name), "_", " ")),
                reason.kind);
        case Reason::Kind::extension_code:
            return of_product(code_of(reason, CodeOrigin::linux_extension),
                              find_number(extension_rows(), reason.number), reason.kind);
        case Reason::Kind::agent_code:
            return of_product(code_of(reason, CodeOrigin::guest_agent), find_number(agent_rows(), reason.number),
                              reason.kind);
        case Reason::Kind::job_code:
            return of_job(reason);
    }
    return std::nullopt;
}

std::optional<Meaning> meaning_of_event(std::string_view provider, std::uint32_t id) {
    const auto source = source_of(provider);
    if (!source) return std::nullopt;
    const auto rows = event_rows();
    const auto found =
        std::ranges::find_if(rows, [&](const EventRow& row) { return row.source == *source && row.id == id; });
    if (found == rows.end()) return std::nullopt;
    return with_usual_look({"", found->meaning, found->for_backup, found->look_at}, Reason::Kind::win32);
}

std::string description_of(const Reason& reason) {
    const auto named = reason.name.empty() ? std::string() : fmt::format(" ({})", reason.name);
    const auto name_or = [&](std::string_view what) {
        return reason.number == 0 ? fmt::format("{} {}", what, reason.name)
                                  : fmt::format("{} {}{}", what, reason.number, named);
    };
    switch (reason.kind) {
        case Reason::Kind::errno_value:
            return fmt::format("Linux error {}{}", reason.number, named);
        case Reason::Kind::win32:
            // People look up the HRESULT that wraps it more often than the number.
            return fmt::format("Windows error {} (0x8007{:04X}{}{})", reason.number, reason.number & 0xFFFF,
                               reason.name.empty() ? "" : ", ", reason.name);
        case Reason::Kind::hresult:
            return fmt::format("HRESULT 0x{:08X}{}", reason.number, named);
        case Reason::Kind::ntstatus:
            return fmt::format("NTSTATUS 0x{:08X}{}", reason.number, named);
        case Reason::Kind::http:
            return reason.number == 0 ? fmt::format("error {} of an Azure service", reason.name)
                                      : fmt::format("HTTP status {}{}", reason.number, named);
        case Reason::Kind::exit_code:
            return fmt::format("exit code {}{}", reason.number, named);
        case Reason::Kind::signal:
            return fmt::format("signal {}{}", reason.number, named);
        case Reason::Kind::sql:
            return fmt::format("SQL Server error {}", reason.number);
        case Reason::Kind::python:
            return fmt::format("Python exception {}", reason.name);
        case Reason::Kind::dotnet:
            return fmt::format(".NET exception {}", reason.name);
        case Reason::Kind::openssl:
            return fmt::format("OpenSSL error {}", reason.name);
        case Reason::Kind::extension_code:
            return name_or("result of the Linux backup extension:");
        case Reason::Kind::agent_code:
            return name_or("guest agent's code");
        case Reason::Kind::job_code:
            return name_or("backup job's error");
    }
    return "";
}

std::string clause_of(const Meaning& meaning) {
    auto clause = meaning.meaning;
    if (clause.ends_with('.')) clause.pop_back();
    constexpr std::string_view proper_names[] = {"Windows", "Azure", "Python", "Linux", "Cryptographic", "Registry"};
    const bool is_name =
        std::ranges::any_of(proper_names, [&](std::string_view name) { return clause.starts_with(name); });
    // "SQL Server", "VSS", "COM+" keep their capitals.
    const bool is_abbreviation = clause.size() > 1 && clause[1] >= 'A' && clause[1] <= 'Z';
    if (!clause.empty() && !is_name && !is_abbreviation && clause[0] >= 'A' && clause[0] <= 'Z') {
        clause[0] = static_cast<char>(clause[0] - 'A' + 'a');
    }
    return clause;
}

std::string advice_of(const Meaning& meaning) {
    constexpr std::string_view orders[] = {"Back up",  "Close ",     "Defragment", "Finish ",  "Free memory",
                                           "Give ",    "Install ",   "Leave ",     "Mount it", "Repair ",
                                           "Restart ", "Start NTDS", "Start the ", "Update ",  "Wait "};
    const auto& look_at = meaning.look_at;
    const bool is_order =
        std::ranges::any_of(orders, [&](std::string_view order) { return look_at.starts_with(order); });
    return fmt::format("{}{}{}{}", meaning.for_backup, meaning.for_backup.empty() ? "" : " ",
                       is_order ? "" : "See: ", look_at);
}

std::optional<Meaning> windows_meaning(const std::vector<Reason>& reasons) {
    for (const auto& reason : reasons) {
        const bool is_windows = reason.kind == Reason::Kind::hresult || reason.kind == Reason::Kind::win32 ||
                                reason.kind == Reason::Kind::ntstatus;
        if (!is_windows) continue;
        if (auto meaning = meaning_of(reason)) return meaning;
    }
    return std::nullopt;
}

}  // namespace remediations
