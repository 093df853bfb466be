#include "handler/report/report_json.hpp"

#include <boost/json.hpp>

#include "handler/report/report_outline.hpp"
#include "remediations/machine/utf8.hpp"

namespace handler {

namespace json = boost::json;
using machine::valid_utf8;
using remediations::Outcome;
using remediations::Report;

namespace {

std::string_view to_string(remediations::RunMode mode) {
    switch (mode) {
        case remediations::RunMode::diagnose:
            return "diagnose";
        case remediations::RunMode::dry_run:
            return "dry-run";
        case remediations::RunMode::fix:
            return "fix";
    }
    return "";
}

json::value text_or_null(const std::string& text) {
    return text.empty() ? json::value(nullptr) : json::value(valid_utf8(text));
}

json::object finding(const Outcome& outcome) {
    json::array evidence;
    for (const auto& looked_at : outcome.finding.evidence) {
        evidence.push_back(json::object{{"where", valid_utf8(looked_at.where)},
                                        {"seen", valid_utf8(looked_at.seen)},
                                        {"expected", valid_utf8(looked_at.expected)}});
    }
    json::array changes;
    json::array lasting;
    for (const auto& change : outcome.changes) {
        changes.emplace_back(valid_utf8(change.description));
        if (change.undo == remediations::PlannedStep::Undo::cannot) {
            lasting.emplace_back(valid_utf8(change.description));
        }
    }
    return {{"id", outcome.remediation->id},
            {"layer", to_string(outcome.remediation->layer)},
            {"state", to_string(outcome.finding.state)},
            {"weight", outcome.finding.weight == remediations::Weight::risk ? "risk" : "cause"},
            {"changesSecurity", outcome.finding.changes_security},
            {"title", outcome.remediation->title},
            {"summary", valid_utf8(outcome.finding.summary)},
            {"evidence", std::move(evidence)},
            {"action", valid_utf8(outcome.finding.action)},
            {"changes", std::move(changes)},
            {"notUndoable", std::move(lasting)}};
}

json::object machine_facts(const machine::SystemFacts& facts) {
    return {{"platform", facts.platform == machine::Platform::windows ? "windows" : "linux"},
            {"osName", valid_utf8(facts.os_name)},
            {"osVersion", valid_utf8(facts.os_version)},
            {"architecture", valid_utf8(facts.architecture)},
            {"hostName", valid_utf8(facts.host_name)}};
}

}  // namespace

std::string report_json(const Report& report) {
    json::array findings;
    for (const auto& outcome : report.outcomes) findings.push_back(finding(outcome));
    json::array notices;
    for (const auto& notice : report.notices) notices.emplace_back(valid_utf8(notice));
    const auto undo = undo_command(report, "backup-remediation");
    const json::object document{
        {"schema", 1},
        {"rootCause", report.root_cause == nullptr ? json::value(nullptr) : json::value(report.root_cause->id)},
        {"findings", std::move(findings)},
        {"rootCauseReason", text_or_null(report.root_cause_reason)},
        {"mode", to_string(report.mode)},
        {"errorCode", text_or_null(report.error_code)},
        {"runId", text_or_null(report.run_id)},
        {"undo", text_or_null(undo)},
        {"notices", std::move(notices)},
        {"machine", machine_facts(report.machine)}};
    return machine::with_escaped_controls(json::serialize(document)) + "\n";
}

}  // namespace handler
