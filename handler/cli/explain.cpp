#include "handler/cli/explain.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/json.hpp>

#include "handler/report/plain_text.hpp"
#include "remediations/engine/catalogue.hpp"
#include "remediations/engine/signals.hpp"
#include "remediations/knowledge/reasons/meaning.hpp"
#include "remediations/machine/utf8.hpp"
#include "remediations/model/error_codes.hpp"

namespace handler {

namespace json = boost::json;
using remediations::CodeOrigin;
using remediations::Disruption;
using remediations::ErrorCode;
using remediations::Reading;
using remediations::Reason;
using remediations::Remediation;

namespace {

/// Returns the remediations that name any of the code's spellings, in catalogue order.
std::vector<const Remediation*> remediations_of(const ErrorCode& code) {
    std::vector<const Remediation*> found;
    std::ranges::copy_if(remediations::catalogue(), std::back_inserter(found), [&](const auto* remediation) {
        return std::ranges::any_of(code.names, [&](std::string_view name) {
            return std::ranges::any_of(remediation->error_codes,
                                       [&](const auto& own) { return boost::iequals(own, name); });
        });
    });
    return found;
}

std::string_view what_it_disturbs(Disruption disruption) {
    switch (disruption) {
        case Disruption::none:
            return "nothing but files and settings of backup itself";
        case Disruption::agent_restart:
            return "the guest agent is restarted";
        case Disruption::service_restart:
            return "services whose restart users do not feel are restarted";
        case Disruption::workload:
            return "a production service, or anything that can lose data: needs --max-disruption workload";
    }
    return "";
}

/// Where a repair changes nothing in the VM.
constexpr auto in_azure = "in Azure alone: README.md, \"Ask Azure\"";

std::string_view can_fix(const Remediation& remediation) {
    return remediation.fix ? "repairs" : "advises";
}

json::array strings(const auto& words) {
    json::array array;
    for (const auto& word : words) array.emplace_back(std::string_view(word));
    return array;
}

json::array ids_of(const std::vector<const Remediation*>& remediations) {
    json::array ids;
    for (const auto* remediation : remediations) ids.emplace_back(remediation->id);
    return ids;
}

json::object as_json(const Remediation& remediation) {
    return {{"id", remediation.id},
            {"title", remediation.title},
            {"layer", to_string(remediation.layer)},
            {"platform", to_string(remediation.scope)},
            {"disruption", to_string(remediation.disruption)},
            {"canFix", remediation.fix != nullptr},
            {"explanation", remediation.explanation},
            {"errorCodes", strings(remediation.error_codes)},
            {"source", remediation.source}};
}

json::object as_json(const ErrorCode& code) {
    return {{"code", code.names.front()},     {"origin", to_string(code.origin)},
            {"names", strings(code.names)},   {"meaning", code.meaning},
            {"causes", strings(code.causes)}, {"remediations", ids_of(remediations_of(code))}};
}

std::string document(json::object content) {
    json::object result{{"schema", 1}};
    result.insert(content.begin(), content.end());
    return machine::with_escaped_controls(json::serialize(result)) + "\n";
}

std::string text_of(const Remediation& remediation, const TextStyle& style) {
    constexpr std::size_t column = 14;
    Page page(style);
    page.heading(fmt::format("{} [{}]", remediation.title, remediation.id));
    page.blank();
    page.paragraph(2, remediation.explanation);
    page.blank();
    page.entry(2, "Layer", column, to_string(remediation.layer));
    page.entry(2, "Platform", column, to_string(remediation.scope));
    if (remediation.acts_in_azure) {
        page.entry(2, "Repair", column, in_azure);
    } else if (remediation.fix) {
        page.entry(2, "Disturbs", column, what_it_disturbs(remediation.disruption));
        page.entry(2, "Repair", column, fmt::format("backup-remediation fix --only {}", remediation.id));
        page.entry(
            2, "Undo", column,
            "backup-remediation undo puts back what was changed, and says what cannot be taken back (a restart, a "
            "tool that ran)");
    } else {
        page.entry(2, "Repair", column, "none from inside the VM: 'diagnose' says what a person has to do");
    }
    if (!remediation.error_codes.empty()) {
        page.entry(2, "Error codes", column, fmt::format("{}", fmt::join(remediation.error_codes, ", ")));
    }
    page.entry(2, "Source", column, remediation.source);
    return std::move(page).text();
}

void add_checks(Page& page, const std::vector<const Remediation*>& checks) {
    page.heading("What this program checks for it");
    for (const auto* remediation : checks) {
        page.row(2, {{remediation->id, 28}, {can_fix(*remediation), 37}}, remediation->title);
    }
}

std::string text_of(const ErrorCode& code, const TextStyle& style) {
    Page page(style);
    page.heading(fmt::format("{} ({})", code.names.front(), to_string(code.origin)));
    page.paragraph(2, code.meaning);
    if (code.names.size() > 1) {
        page.paragraph(2, fmt::format("Also: {}", fmt::join(code.names.begin() + 1, code.names.end(), ", ")));
    }
    if (!code.causes.empty()) {
        page.blank();
        page.heading("Usual causes, likeliest first");
        unsigned number = 0;
        for (const auto& cause : code.causes) page.numbered(2, ++number, cause);
    }
    page.blank();
    const auto found = remediations_of(code);
    if (found.empty()) {
        page.paragraph(0, "No check of this program is tied to this code.");
        return std::move(page).text();
    }
    add_checks(page, found);
    page.blank();
    page.paragraph(0, code.origin == CodeOrigin::backup_job
                          ? fmt::format("Next: backup-remediation diagnose --error-code {}", code.names.front())
                          : std::string("Next: backup-remediation diagnose"));
    return std::move(page).text();
}

/// Returns true if a reading only repeats what the catalogue says of the code.
bool is_of_catalogue(const Reading& reading) {
    const auto kind = reading.reason ? reading.reason->kind : Reason::Kind::errno_value;
    return kind == Reason::Kind::extension_code || kind == Reason::Kind::agent_code || kind == Reason::Kind::job_code;
}

void add_reading(Page& page, const Reading& reading) {
    constexpr std::size_t column = 16;
    page.heading(reading.what);
    page.paragraph(2, reading.meaning.meaning);
    if (!reading.meaning.for_backup.empty()) page.entry(2, "For a backup", column, reading.meaning.for_backup);
    page.entry(2, "First", column, reading.meaning.look_at);
}

/// Returns what the table of reasons says of the codes in a line of a log or an event, and who looks for it; nullopt
/// where neither is known.
std::optional<std::string> text_of_signal(std::string_view words, const TextStyle& style) {
    const auto readings = remediations::explain_reason(words);
    const auto checks = remediations::remediations_for_signal(words);
    if (readings.empty() && checks.empty()) return std::nullopt;
    Page page(style);
    for (const auto& reading : readings) {
        if (&reading != &readings.front()) page.blank();
        add_reading(page, reading);
    }
    if (!readings.empty() && !checks.empty()) page.blank();
    if (!checks.empty()) add_checks(page, checks);
    return std::move(page).text();
}

/// Returns other meanings of the same word; empty where there are none.
std::string other_readings(std::string_view word, const TextStyle& style) {
    Page page(style);
    for (const auto& reading : remediations::explain_reason(word)) {
        if (is_of_catalogue(reading)) continue;
        page.blank();
        add_reading(page, reading);
    }
    return std::move(page).text();
}

json::array as_json(const std::vector<Reading>& readings) {
    json::array array;
    for (const auto& reading : readings) {
        array.push_back({{"what", reading.what},
                         {"name", reading.meaning.name},
                         {"meaning", reading.meaning.meaning},
                         {"forBackup", reading.meaning.for_backup},
                         {"lookAt", reading.meaning.look_at}});
    }
    return array;
}

/// Escapes text so that Markdown shows it unchanged; text between backticks stays, because it is code.
std::string markdown(std::string_view text) {
    std::string result;
    bool in_code = false;
    for (const char character : text) {
        if (character == '`') in_code = !in_code;
        if (!in_code && std::string_view("\\*_<>[]#|").find(character) != std::string_view::npos) result += '\\';
        result += character;
    }
    return result;
}

std::string code_list(const auto& names) {
    std::vector<std::string> quoted;
    for (const auto& name : names) quoted.push_back(fmt::format("`{}`", name));
    return fmt::format("{}", fmt::join(quoted, ", "));
}

std::string markdown_of(const ErrorCode& code) {
    auto text = fmt::format("\n#### {}\n\n{}\n", markdown(code.names.front()), markdown(code.meaning));
    if (code.names.size() > 1) {
        text += fmt::format("\nAlso: {}\n", code_list(std::vector(code.names.begin() + 1, code.names.end())));
    }
    if (!code.causes.empty()) text += "\nUsual causes, likeliest first:\n\n";
    unsigned number = 0;
    for (const auto& cause : code.causes) text += fmt::format("{}. {}\n", ++number, markdown(cause));
    const auto found = remediations_of(code);
    if (!found.empty()) text += "\nThis program checks for it:\n\n";
    for (const auto* remediation : found) {
        text += fmt::format("- `{}` ({}): {}\n", remediation->id, can_fix(*remediation), markdown(remediation->title));
    }
    return text;
}

std::string markdown_of(const Remediation& remediation) {
    auto text = fmt::format("\n#### {}\n\n**{}.** {}\n\n", remediation.id, markdown(remediation.title),
                            markdown(remediation.explanation));
    text += fmt::format("- Platform: {}\n", to_string(remediation.scope));
    text += remediation.acts_in_azure ? fmt::format("- Repair: {}\n", in_azure)
            : remediation.fix
                ? fmt::format("- Repair: `backup-remediation fix --only {}`; disturbs {} ({})\n", remediation.id,
                              to_string(remediation.disruption), markdown(what_it_disturbs(remediation.disruption)))
                : std::string("- Repair: none from inside the VM; says what a person has to do\n");
    if (!remediation.error_codes.empty()) {
        text += fmt::format("- Error codes: {}\n", code_list(remediation.error_codes));
    }
    return text + fmt::format("- Source: {}\n", markdown(remediation.source));
}

}  // namespace

std::optional<std::string> explain_text(std::string_view word, const TextStyle& style) {
    if (const auto* remediation = remediations::find_remediation(word)) return text_of(*remediation, style);
    if (const auto* code = remediations::find_code(word)) {
        return text_of(*code, style) + other_readings(word, style);
    }
    return text_of_signal(word, style);
}

std::optional<std::string> explain_json(std::string_view word) {
    if (const auto* remediation = remediations::find_remediation(word)) return document(as_json(*remediation));
    const auto readings = remediations::explain_reason(word);
    if (const auto* code = remediations::find_code(word)) {
        auto content = as_json(*code);
        content["readings"] = as_json(readings);
        return document(std::move(content));
    }
    const auto checks = remediations::remediations_for_signal(word);
    if (readings.empty() && checks.empty()) return std::nullopt;
    return document({{"readings", as_json(readings)}, {"remediations", ids_of(checks)}});
}

std::string catalogue_markdown() {
    std::string document =
        "# What can be wrong with a backup\n\n"
        "What each error code means, and every cause that this program looks for. Made by\n"
        "`backup-remediation explain --all --format markdown`; a test says when it is out of date.\n\n"
        "- [Error codes](#error-codes)\n- [Causes](#causes)\n\n## Error codes\n";
    std::optional<CodeOrigin> origin;
    std::vector<const ErrorCode*> codes;
    for (const auto& code : remediations::error_codes()) codes.push_back(&code);
    std::ranges::stable_sort(codes, {}, &ErrorCode::origin);
    for (const auto* code : codes) {
        if (origin != code->origin) document += fmt::format("\n### Reported by: {}\n", to_string(code->origin));
        origin = code->origin;
        document += markdown_of(*code);
    }
    document += "\n## Causes\n";
    for (const auto layer : remediations::all_layers) {
        document += fmt::format("\n### Layer {}\n", to_string(layer));
        for (const auto* remediation : remediations::catalogue()) {
            if (remediation->layer == layer) document += markdown_of(*remediation);
        }
    }
    return document;
}

std::vector<std::string> explainable() {
    std::vector<std::string> words;
    for (const auto* remediation : remediations::catalogue()) words.push_back(remediation->id);
    for (const auto& code : remediations::error_codes()) {
        words.insert(words.end(), code.names.begin(), code.names.end());
    }
    return words;
}

std::string list_text(const TextStyle& style) {
    Page page(style);
    page.paragraph(0,
                   "Every cause by layer: its id, the systems that have it, whether this program repairs it or only "
                   "advises, and what the repair may disturb.");
    for (const auto layer : remediations::all_layers) {
        page.blank();
        page.heading(to_string(layer));
        bool any = false;
        for (const auto* remediation : remediations::catalogue()) {
            if (remediation->layer != layer) continue;
            any = true;
            page.row(2,
                     {{remediation->id, 28},
                      {to_string(remediation->scope), 37},
                      {can_fix(*remediation), 46},
                      {remediation->fix ? to_string(remediation->disruption) : "-", 63}},
                     remediation->title);
        }
        if (!any) page.paragraph(2, "(nothing yet)");
    }
    return std::move(page).text();
}

std::string list_json() {
    json::array all;
    for (const auto* remediation : remediations::catalogue()) all.push_back(as_json(*remediation));
    return document({{"remediations", std::move(all)}});
}

}  // namespace handler
