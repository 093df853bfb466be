#include "handler/report/report_html.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/range/adaptor/reversed.hpp>
#include <vector>

#include "handler/report/html.hpp"
#include "handler/report/plain_text.hpp"
#include "handler/report/status.hpp"
#include "remediations/formats/duration_text.hpp"
#include "remediations/model/error_codes.hpp"

namespace handler {

using remediations::BackupAttempt;
using remediations::BackupPhase;
using remediations::Outcome;
using remediations::Report;
using remediations::RunMode;
using remediations::State;

namespace {

constexpr std::size_t longest_quote = 2000;  // characters; --format json has the whole

// Of each colour that carries text, the contrast to its background is 4.5:1 or more, in light and in dark.
constexpr Literal style_sheet = R"(
:root { color-scheme: light dark; --page: #fff; --text: #1b1f24; --faint: #57606a; --line: #c9d1d9; --box: #f4f6f8;
  --good: #0b6b2e; --good-box: #e9f7ee; --bad: #a4161a; --bad-box: #fdecec; --heed: #7a4d00; --heed-box: #fff4dc; }
@media (prefers-color-scheme: dark) { :root { --page: #14171b; --text: #e6e8eb; --faint: #a3acb7; --line: #3a424c;
  --box: #1f242a; --good: #7fdc9a; --good-box: #14301e; --bad: #ff9d96; --bad-box: #3a1a1b; --heed: #f3c969;
  --heed-box: #352a10; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 64rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 0; }
p { margin: .25rem 0; }
ol, ul { margin: .5rem 0; padding-left: 2rem; }
code, pre, q { font-family: ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", monospace; font-size: .875rem; }
pre { margin: .25rem 0 .75rem; padding: .5rem .75rem; background: var(--box); border: 1px solid var(--line);
  border-radius: .375rem; white-space: pre-wrap; }
code, q { unicode-bidi: isolate; }
q { quotes: none; }
.faint { color: var(--faint); }
.good { --own: var(--good); --own-box: var(--good-box); }
.bad { --own: var(--bad); --own-box: var(--bad-box); }
.heed { --own: var(--heed); --own-box: var(--heed-box); }
.none { --own: var(--faint); --own-box: var(--box); }
.state { color: var(--own); font-weight: 600; white-space: nowrap; }
.verdict { margin-top: 1rem; padding: .75rem 1rem; background: var(--own-box); border: 1px solid var(--own);
  border-left-width: .5rem; border-radius: .5rem; }
.verdict h2 { margin: 0; color: var(--own); }
.pipeline { display: flex; gap: 1.25rem; padding: 0; list-style: none; }
.pipeline li { position: relative; flex: 1 1 0; min-width: 0; padding: .5rem .625rem; background: var(--own-box);
  border: 1px solid var(--own); border-radius: .5rem; }
.pipeline li:not(:last-child)::after { content: "\25B6"; position: absolute; left: 100%; top: .5rem; width: 1.25rem;
  text-align: center; font-size: .75rem; color: var(--faint); }
.pipeline .root { border-width: 3px; }
.pipeline b, .pipeline span { display: block; }
.pipeline .state { white-space: normal; }
.pipeline .told { font-size: .875em; }
article { margin: 1rem 0; padding: .75rem 1rem; border: 1px solid var(--line); border-left: .375rem solid var(--own);
  border-radius: .5rem; break-inside: avoid; }
dl { margin: .5rem 0; display: grid; grid-template-columns: max-content 1fr; gap: .125rem 1rem; }
dt { color: var(--faint); }
dd { margin: 0; min-width: 0; }
.evidence dt.where { grid-column: 1 / -1; margin-top: .375rem; color: var(--text); }
.evidence dt:not(.where) { padding-left: 1rem; }
.rows { padding: 0; list-style: none; }
.rows li { padding: .25rem 0; border-bottom: 1px solid var(--line); break-inside: avoid; }
svg { display: block; width: 100%; }
svg, .ends { max-width: 44rem; }
svg line { stroke: var(--line); stroke-width: 2; }
svg .good { fill: var(--good); }
svg .bad { fill: none; stroke: var(--bad); stroke-width: 3; }
svg .heed { fill: none; stroke: var(--heed); stroke-width: 2; }
.ends { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; }
footer { margin-top: 2rem; border-top: 1px solid var(--line); padding-top: .5rem; color: var(--faint); }
@media (max-width: 56rem) { .pipeline { flex-direction: column; }
  .pipeline li:not(:last-child)::after { content: "\25BC"; left: 0; right: 0; top: 100%; width: auto; } }
@media (max-width: 30rem) { dl { display: block; } dd { margin-left: 1rem; } }
@media print { :root { --page: #fff; --text: #000; --faint: #444; --line: #999; --box: #f4f4f4; --good: #0b6b2e;
  --good-box: #fff; --bad: #a4161a; --bad-box: #fff; --heed: #6b4400; --heed-box: #fff; color-scheme: light; }
  body { max-width: none; padding: 0; font-size: 10pt; } h2 { break-after: avoid; } .pipeline { gap: .75rem; flex-direction: row; }
  .pipeline li { padding: .375rem; font-size: 8pt; }
  .pipeline li:not(:last-child)::after { content: "\25B6"; left: 100%; right: auto; top: .375rem; width: .75rem;
    font-size: 6pt; } }
)";
/// The style sheet's SHA-256 in base64; a test compares it.
constexpr auto style_hash = "gUJSntEO7srR4YvAktXpCxZmhYprAGUYZGLPhD3TkTI=";

Html element(Literal name, std::initializer_list<Attribute> attributes, const Html& content) {
    return Html::element(name, attributes, content);
}

Html element(Literal name, const Html& content) {
    return Html::element(name, content);
}

Html block(Literal name, std::string css_class, const Html& content) {
    return Html::element(name, {{"class", std::move(css_class)}}, content);
}

std::string minute_text(std::chrono::system_clock::time_point time) {
    auto text = utc_text(time);  // 2026-11-21T01:49:07Z
    return fmt::format("{} {} UTC", text.substr(0, 10), text.substr(11, 8));
}

/// Returns the class that colours a state. The word of the state is always beside it.
std::string class_of(State state) {
    switch (state) {
        case State::healthy:
        case State::fixed:
            return "good";
        case State::broken:
            return "bad";
        case State::unproven:
        case State::needs_approval:
        case State::needs_operator:
        case State::unknown:
            return "heed";
        case State::not_applicable:
            return "none";
    }
    return "none";
}

std::string class_of(const Outcome& outcome) {
    return is_risk(outcome) ? "heed" : class_of(outcome.finding.state);
}

/// Returns a sign for readers who do not see the colour. It repeats the word and is not read aloud.
Html sign_of(State state) {
    const auto sign = [&] {
        switch (state) {
            case State::healthy:
            case State::fixed:
                return "\u2714 ";
            case State::broken:
                return "\u2716 ";
            case State::unknown:
                return "? ";
            case State::unproven:
            case State::needs_approval:
            case State::needs_operator:
                return "! ";
            case State::not_applicable:
                return "\u2013 ";
        }
        return "";
    }();
    return element("i", {{"aria-hidden", "true"}}, sign);
}

Html state_of(const std::string& css_class, State state, const std::string& word) {
    return block("span", "state " + css_class, sign_of(state) + word);
}

Html state_of(const Outcome& outcome) {
    // A risk is drawn as what somebody should look at.
    return state_of(class_of(outcome), is_risk(outcome) ? State::needs_operator : outcome.finding.state,
                    state_text(outcome));
}

Html command(const std::string& line) {
    return element("pre", element("code", line));
}

Html fact(Literal name, const std::string& value) {
    if (value.empty()) return {};
    return element("dt", name.text()) + element("dd", value);
}

std::string mode_text(RunMode mode) {
    switch (mode) {
        case RunMode::diagnose:
            return "diagnose: nothing was changed";
        case RunMode::dry_run:
            return "dry run: nothing was changed";
        case RunMode::fix:
            return "fix";
    }
    return {};
}

/// Returns the last thing that the log shows of a backup.
std::string reached(const BackupAttempt& attempt) {
    switch (attempt.phase) {
        case BackupPhase::none:
            return attempt.last_step > 0 ? fmt::format("reached step {} of 9", attempt.last_step) : std::string();
        case BackupPhase::configuration:
            return "came as far as reading its settings";
        case BackupPhase::visual_cpp_runtime:
            return "came as far as the Visual C++ runtime";
        case BackupPhase::services:
            return "came as far as waiting for COM+ and MSDTC";
        case BackupPhase::provider:
            return "came as far as registering its VSS provider";
        case BackupPhase::writer_metadata:
            return "came as far as asking the VSS writers";
        case BackupPhase::snapshot_set:
            return "came as far as adding volumes to the snapshot set";
        case BackupPhase::writer_status:
            return "came as far as the status of the VSS writers";
        case BackupPhase::prepare:
            return "came as far as PrepareForBackup";
        case BackupPhase::volume_snapshot:
            return "came as far as the volume snapshot";
        case BackupPhase::backup_complete:
            return "came as far as BackupComplete";
        case BackupPhase::host_snapshot:
            return "came as far as the host's part of the snapshot";
        case BackupPhase::finished:
            return "ran to its end";
    }
    return {};
}

struct Ending {
    std::string word;
    std::string css_class;
    State state;
};

Ending ending_of(const BackupAttempt& attempt) {
    if (!attempt.succeeded) return {"no end logged", "heed", State::unknown};
    if (*attempt.succeeded) return {"succeeded", "good", State::healthy};
    return {attempt.result ? fmt::format("failed, code {}", *attempt.result) : "failed", "bad", State::broken};
}

/// Draws marks on a time line: a dot for success, a cross for failure, a ring for a backup without an end.
class Timeline {
public:
    explicit Timeline(const std::vector<BackupAttempt>& attempts) {
        for (const auto& attempt : attempts) {
            if (attempt.started) dated_.push_back(&attempt);
        }
        std::ranges::stable_sort(dated_, {}, [](const auto* attempt) { return *attempt->started; });
    }

    Html drawing() const {
        if (dated_.size() < 2 || first() == last()) return {};
        Html marks = element("line", {{"x1", "8"}, {"x2", "472"}, {"y1", "14"}, {"y2", "14"}}, {});
        for (const auto* attempt : dated_) marks += mark(*attempt);
        return element(
                   "svg",
                   {{"viewBox", "0 0 480 28"},
                    {"role", "img"},
                    {"aria-label", fmt::format("{} backups on a line of time; they are listed below", dated_.size())}},
                   marks) +
               block("p", "ends faint", element("span", minute_text(first())) + element("span", minute_text(last())));
    }

private:
    std::chrono::system_clock::time_point first() const { return *dated_.front()->started; }
    std::chrono::system_clock::time_point last() const { return *dated_.back()->started; }

    Html mark(const BackupAttempt& attempt) const {
        using seconds = std::chrono::duration<double>;
        const auto x = 8 + 464 * (seconds(*attempt.started - first()) / seconds(last() - first()));
        const auto ending = ending_of(attempt);
        if (ending.state == State::broken) {
            return element("path",
                           {{"class", ending.css_class},
                            {"d", fmt::format("M{0:.1f} 9L{1:.1f} 19M{0:.1f} 19L{1:.1f} 9", x - 5, x + 5)}},
                           {});
        }
        return element("circle",
                       {{"class", ending.css_class}, {"cx", fmt::format("{:.1f}", x)}, {"cy", "14"}, {"r", "5"}}, {});
    }

    std::vector<const BackupAttempt*> dated_;
};

class Document {
public:
    Document(const Report& report, Subject subject, const std::string& program)
        : report_(report), subject_(subject), program_(program) {}

    std::string text() const {
        const auto page = element("html", {{"lang", "en"}}, head() + element("body", body()));
        return "<!doctype html>\n" + page.markup() + "\n";
    }

private:
    Html head() const {
        const auto policy =
            fmt::format("default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'", style_hash);
        Html head = Html::empty_element("meta", {{"charset", "utf-8"}});
        head += Html::empty_element("meta", {{"http-equiv", "Content-Security-Policy"}, {"content", policy}});
        head += Html::empty_element("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
        head += Html::empty_element("meta", {{"name", "referrer"}, {"content", "no-referrer"}});
        head += element("title", fmt::format("Azure Backup of {}: {}", report_.machine.host_name, verdict(report_)));
        head += element("style", Html::literal(style_sheet));
        return element("head", head);
    }

    Html body() const {
        return header() +
               element("main", root_cause() + pipeline() + changes() + next() + views() + findings() + attempts() +
                                   facts() + checks()) +
               element("footer", fmt::format("backup-remediation {}", BACKUP_REMEDIATION_VERSION));
    }

    static Html section(Literal id, const std::string& heading, const Html& content) {
        if (content.empty()) return {};
        const std::string name(id.text());
        return element("section", {{"aria-labelledby", name}}, element("h2", {{"id", name}}, heading) + content);
    }

    Html header() const {
        const auto& machine = report_.machine;
        Html header = element("h1", fmt::format("Azure Backup of {}", machine.host_name));
        header += block(
            "p", "faint",
            fmt::format("{}, {}. Looked at {}.", machine.os_name, machine.architecture, minute_text(machine.now)));
        if (!report_.error_code.empty()) {
            const auto* known = remediations::find_error_code(report_.error_code);
            header +=
                element("p", Html("Reported by Azure Backup: ") + element("code", report_.error_code) + ". " +
                                 std::string(known != nullptr ? known->meaning : "Not a code this program knows."));
        }
        return element("header", header);
    }

    const Outcome* root_outcome() const {
        const auto found = std::ranges::find(report_.outcomes, report_.root_cause, &Outcome::remediation);
        return report_.root_cause == nullptr || found == report_.outcomes.end() ? nullptr : &*found;
    }

    Html root_cause() const {
        const auto* root = root_outcome();
        Html content = element("h2", {{"id", "root-cause"}}, verdict(report_));
        if (root != nullptr) {
            if (const auto told = summary_beneath_title(*root); !told.empty()) content += element("p", told);
            content += element("p", Html("Now: ") + state_of(*root) + ".");
        }
        if (!report_.root_cause_reason.empty()) content += block("p", "faint", report_.root_cause_reason);
        for (const auto& notice : report_.notices) content += element("p", notice);
        const auto color = root != nullptr ? class_of(*root) : class_of(worst_state());
        return element("section", {{"aria-labelledby", "root-cause"}, {"class", "verdict " + color}}, content);
    }

    /// Returns the state where there is no root cause: unknown, or healthy.
    State worst_state() const {
        const auto unknown = [](const Outcome& outcome) { return outcome.finding.state == State::unknown; };
        return std::ranges::any_of(report_.outcomes, unknown) ? State::unknown : State::healthy;
    }

    Html pipeline() const {
        Html layers;
        for (const auto layer : remediations::all_layers) {
            const auto state = report_.layer_state(layer);
            const bool is_root = report_.root_cause != nullptr && report_.root_cause->layer == layer;
            Html box = element("b", std::string(to_string(layer)));
            box += state_of(class_of(state), state, std::string(to_string(state)));
            if (is_root) box += block("span", "told", element("b", "Root cause"));
            box += block("span", "told", layer_line(report_, layer));
            layers += block("li", class_of(state) + (is_root ? " root" : ""), box);
        }
        return section("pipeline", "The pipeline of a backup", block("ol", "pipeline", layers));
    }

    Html next() const {
        Html steps;
        for (const auto& step : next_steps(report_, subject_, program_)) {
            steps += element("li", step.command.empty() ? Html(step.text) : Html(step.text) + command(step.command));
        }
        return section("next", "What to do next", steps.empty() ? Html() : element("ol", steps));
    }

    /// Azure's view beside the VM's.
    Html views() const {
        Html rows;
        for (const auto& each : report_.azure) {
            rows += element("dt", {{"class", "where"}}, element("b", each.what));
            if (!each.in_vm.empty()) {
                rows += element("dt", "in the VM") + element("dd", shortened(visible(each.in_vm), longest_quote));
            }
            rows += element("dt", "in Azure") + element("dd", shortened(visible(each.in_azure), longest_quote));
        }
        return section("azure", "In the VM, and in Azure", rows.empty() ? Html() : block("dl", "evidence", rows));
    }

    Html findings() const {
        Html articles;
        for (const auto& group : in_reading_order(report_)) articles += finding(group);
        return section("findings", "What was found", articles);
    }

    static Html finding(const Group& group) {
        const auto& outcome = *group.front();
        const auto& finding = outcome.finding;
        Html content = element("h3", sentence_case(title_of(group)));
        if (group.size() == 1) {
            content +=
                element("p", state_of(outcome) + " in layer " + std::string(to_string(outcome.remediation->layer)) +
                                 ", " + element("code", outcome.remediation->id));
        } else {
            content += element("p", state_of(outcome));
        }
        if (const auto told = summary_beneath_title(outcome); !told.empty()) content += element("p", told);
        if (group.size() > 1) {
            Html causes;
            for (const auto* each : group) {
                causes += element("li", Html(each->remediation->title) + ", " + element("code", each->remediation->id));
            }
            content += element("ul", causes);
        }
        Html evidence;
        for (const auto& looked_at : evidence_to_show(finding)) {
            evidence += element("dt", {{"class", "where"}}, element("code", looked_at.where));
            evidence +=
                element("dt", "seen") + element("dd", element("q", shortened(visible(looked_at.seen), longest_quote)));
            if (!looked_at.expected.empty()) evidence += element("dt", "expected") + element("dd", looked_at.expected);
        }
        if (!evidence.empty()) content += block("dl", "evidence", evidence);
        if (!finding.action.empty()) content += element("p", element("b", "To do: ") + finding.action);
        return block("article", class_of(outcome), content);
    }

    Html changes() const {
        Html content;
        for (const auto& outcome : report_.outcomes) {
            if (outcome.changes.empty()) continue;
            Html list;
            for (const auto& change : outcome.changes) list += element("li", shown(change));
            content += element("h3", {}, Html("for ") + element("code", outcome.remediation->id)) + element("ul", list);
        }
        if (const auto undo = undo_command(report_, program_); !undo.empty()) {
            content += element("p", undo_heading(report_) + ", as root or administrator:") + command(undo);
        }
        return section("changes", changes_heading(report_), content);
    }

    Html attempts() const {
        if (report_.attempts.empty()) {
            return section("attempts", "Recent backups", block("p", "faint", "The logs tell of no backup."));
        }
        Html rows;
        for (const auto& attempt : boost::adaptors::reverse(report_.attempts)) rows += element("li", one(attempt));
        return section("attempts", "Recent backups, as the backup extension's log tells them",
                       Timeline(report_.attempts).drawing() + block("ol", "rows", rows));
    }

    static Html one(const BackupAttempt& attempt) {
        const auto ending = ending_of(attempt);
        auto when = attempt.started ? minute_text(*attempt.started) : std::string("At an unknown time");
        Html row = element("span", when + " ") + state_of(ending.css_class, ending.state, ending.word);
        if (attempt.started && attempt.ended && *attempt.ended >= *attempt.started) {
            const auto took = *attempt.ended - *attempt.started;
            row += took < std::chrono::minutes(2)
                       ? fmt::format(" after {} s", std::chrono::duration_cast<std::chrono::seconds>(took).count())
                       : " after " + remediations::duration_text(took);
        }
        if (ending.state != State::healthy) {
            if (const auto how_far = reached(attempt); !how_far.empty()) row += "; " + how_far;
        }
        const auto& line = attempt.decisive;
        if (ending.state == State::healthy || line.file.empty()) return row;
        const auto told = line.evidence("");
        return row + Html::empty_element("br", {}) + element("code", told.where) + ": " + element("q", told.seen);
    }

    Html facts() const {
        const auto& machine = report_.machine;
        Html list = fact("Name", machine.host_name);
        list += fact("Operating system", machine.os_name);
        list += fact("Version", machine.os_version);
        list += fact("Architecture", machine.architecture);
        list += fact("Looked at", minute_text(machine.now));
        list += fact("Mode", mode_text(report_.mode));
        list += fact("Run", report_.run_id);
        return section("machine", "The machine", element("dl", list));
    }

    Html checks() const {
        Html content;
        for (const auto layer : remediations::all_layers) {
            Html rows;
            for (const auto& outcome : report_.outcomes) {
                const auto state = outcome.finding.state;
                if (outcome.remediation->layer != layer || state == State::not_applicable) continue;
                rows += element("li", state_of(outcome) + " " + element("code", outcome.remediation->id) + " " +
                                          outcome.finding.summary);
            }
            if (!rows.empty()) content += element("h3", std::string(to_string(layer))) + block("ul", "rows", rows);
        }
        return section("checks", "All that was looked at", content);
    }

    const Report& report_;
    Subject subject_;
    const std::string& program_;
};

}  // namespace

std::string report_html(const Report& report, Subject subject, const std::string& program) {
    return Document(report, subject, program).text();
}

}  // namespace handler
