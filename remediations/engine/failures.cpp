#include "remediations/engine/failures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/algorithm/string/predicate.hpp>
#include <map>

#include "remediations/engine/root_cause.hpp"
#include "remediations/knowledge/logs/attempt_reader.hpp"
#include "remediations/knowledge/logs/event_evidence.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/knowledge/reasons/meaning.hpp"

namespace remediations {

namespace {

using Time = std::chrono::system_clock::time_point;

/// For one finding; more quotes do not help a reader.
constexpr std::size_t most_quotes = 8;
/// A shorter text occurs in lines of any meaning.
constexpr std::size_t shortest_telling_text = 12;
/// An error that occurred this often, or over this time, does not pass by itself.
constexpr std::uint64_t often = 3;
constexpr auto long_since = std::chrono::minutes(10);

std::optional<Time> last_good_backup(const machine::Machine& machine) {
    std::optional<Time> newest;
    for (const auto& attempt : machine.derived<LogEvidence>().attempts()) {
        if (attempt.succeeded == true && attempt.ended) {
            newest = std::max(newest.value_or(*attempt.ended), *attempt.ended);
        }
    }
    return newest;
}

/// Returns true if the evidence has the place of the failure ("file:17", "event log System: Disk 7") or quotes its
/// text.
bool quotes(const Evidence& evidence, const Failure& failure) {
    if (!evidence.where.empty() && evidence.where == failure.quote.where) return true;
    const auto& shorter = evidence.seen.size() < failure.quote.seen.size() ? evidence.seen : failure.quote.seen;
    const auto& longer = evidence.seen.size() < failure.quote.seen.size() ? failure.quote.seen : evidence.seen;
    return shorter.size() > 2 * shortest_telling_text && longer.find(shorter) != std::string::npos;
}

bool has_text(const Failure& failure, const std::string& text) {
    return text.size() >= shortest_telling_text && failure.quote.seen.find(text) != std::string::npos;
}

bool is_of(const EventPattern& pattern, const Failure& failure) {
    return std::ranges::any_of(pattern.ids, [&](auto id) {
        return boost::iequals(failure.quote.where,
                              fmt::format("event log {}: {} {}", pattern.channel, pattern.provider, id));
    });
}

bool is_of(const Signal& signal, const Failure& failure) {
    if (!signal.has_further_texts(failure.quote.seen)) return false;
    if (signal.is_line()) return has_text(failure, signal.line.text);
    if (signal.is_event()) {
        return is_of(signal.event, failure) &&
               (signal.service.empty() || boost::icontains(failure.quote.seen, signal.service));
    }
    const auto& results = signal.results;
    return failure.decides_result && std::ranges::find(results, *failure.decides_result) != results.end();
}

bool knows(const Remediation& remediation, const Failure& failure) {
    return std::ranges::any_of(remediation.signals, [&](const auto& signal) { return is_of(signal, failure); });
}

// ---- What no cause explains ----

Remediation unexplained(std::string id, const std::string& who, Layer layer) {
    Remediation result;
    result.id = std::move(id);
    result.title = who + " failed, and no known cause explains it";
    result.layer = layer;
    result.explanation =
        "Logs and events since the last good backup tell of an error that no other cause of this program knows. The "
        "finding quotes it whole, says what its code means, and where to look. It is left out where good backups of "
        "this VM show the same error.";
    result.source = "logs and events of the VM itself";
    // The news that a backup failed, and what it leaves behind.
    result.consequences = {"extension-error", "backup-attempt-failed", "backup-extension-state",
                           "no-network-catch-all"};
    if (layer == Layer::guest_agent || layer == Layer::network) {
        result.consequences.emplace_back("agent-status-not-reported");
    }
    result.diagnose = [](const machine::Machine&) {
        return Finding::healthy(
            "No error that no cause explains stands in logs and events since the last good backup.");
    };
    return result;
}

const Remediation* unexplained_of(Layer layer) {
    const auto all = unexplained_failures();
    const auto found = std::ranges::find(all, layer, &Remediation::layer);
    return found == all.end() ? nullptr : *found;
}

/// Returns how early a layer comes in a backup. The network is at the start, because both ends need it.
int depth_of(Layer layer) {
    switch (layer) {
        case Layer::guest_agent:
        case Layer::network:
            return 0;
        case Layer::backup_extension:
            return 1;
        case Layer::os_snapshot:
            return 2;
        case Layer::managed_disk:
            return 3;
        case Layer::vault:
            return 4;
    }
    return 4;
}

/// Returns true if the outcome says why backups fail, not only that one failed.
bool says_why(const Outcome& outcome) {
    const auto& finding = outcome.finding;
    return is_left(finding.state) && finding.weight == Weight::cause && !finding.is_envelope &&
           outcome.remediation->layer != Layer::vault;
}

/// Returns true if the outcome rests on how the last run ended and says why. Other errors that the run logged are then
/// no second reason.
bool accounts_for_run(const Outcome& outcome) {
    return says_why(outcome) && outcome.finding.basis == Basis::last_run;
}

bool is_live(const Outcome& outcome) {
    return says_why(outcome) && outcome.finding.basis != Basis::last_run && !outcome.finding.is_suspicion;
}

bool explains_failure(const Outcome& outcome, const Failure& failure) {
    if (!says_why(outcome)) return false;
    if (claims(outcome, failure)) return true;
    if (!is_live(outcome)) return false;
    // A mere warning beside something that is seen broken adds nothing.
    return failure.severity == Failure::Severity::warning ||
           depth_of(outcome.remediation->layer) <= depth_of(failure.layer);
}

/// Returns true if the guest agent meets this error again and again, until now.
bool persists(const Failure& failure, const machine::Machine& machine) {
    if (failure.severity != Failure::Severity::error) return false;
    const bool for_long = failure.first && failure.newest && *failure.newest - *failure.first >= long_since;
    const auto newest = machine.derived<LogEvidence>().newest_line(Log::agent);
    const bool recent = newest && failure.newest && *newest - *failure.newest < std::chrono::hours(1);
    return recent && (failure.count >= often || for_long);
}

/// Returns true for a code that only says that something failed; another text has the reason.
bool is_generic(const Reason& reason) {
    using enum Reason::Kind;
    constexpr std::int64_t hresults[] = {0x80004005, 0x8000FFFF, 0x80042306, 0x8004230F, 0x80131500};
    constexpr std::string_view exceptions[] = {"Exception", "COMException", "InvalidOperationException",
                                               "AggregateException", "TargetInvocationException"};
    const auto name = std::string_view(reason.name).substr(reason.name.rfind('.') + 1);
    switch (reason.kind) {
        case hresult:
            return std::ranges::find(hresults, reason.number) != std::end(hresults);
        case exit_code:
            return reason.number == 1 || reason.number == 2;
        case extension_code:
            return reason.number == 2;
        case python:
        case dotnet:
            return std::ranges::find(exceptions, name) != std::end(exceptions);
        default:
            return false;
    }
}

/// Sorts the most useful failures first: those of the failed run, with a code that says why, with any code, errors
/// before warnings; then in order of time.
void sort_by_weight(std::vector<const Failure*>& failures) {
    std::ranges::stable_sort(failures, {}, [](const Failure* failure) {
        return std::tuple(!failure->in_failed_run, std::ranges::all_of(failure->reasons, is_generic),
                          failure->reasons.empty(), failure->severity == Failure::Severity::warning);
    });
}

std::optional<Meaning> first_meaning(const Failure& failure) {
    for (const auto& reason : failure.reasons) {
        if (auto meaning = meaning_of(reason)) return meaning;
    }
    return std::nullopt;
}

Evidence evidence_for(const Failure& failure) {
    auto evidence = failure.quote;
    std::vector<std::string> parts;
    for (const auto& reason : failure.reasons) {
        const auto meaning = meaning_of(reason);
        if (meaning) parts.push_back(fmt::format("{}: {}", description_of(reason), clause_of(*meaning)));
    }
    if (parts.empty()) {
        evidence.expected = "no such error";
    } else {
        evidence.expected = fmt::format("no such error; {}", fmt::join(parts, "; "));
    }
    if (failure.count > 1) evidence.expected += fmt::format(" ({} times)", failure.count);
    return evidence;
}

std::string summary_of(const Failure& failure) {
    auto what = failure.operation.empty() ? std::string("failed") : fmt::format("failed at \"{}\"", failure.operation);
    if (!failure.subject.empty()) what += fmt::format(" ({})", failure.subject);
    const auto meaning = first_meaning(failure);
    return fmt::format("{} {}{}.", failure.component, what, meaning ? ": " + clause_of(*meaning) : std::string());
}

std::string action_of(const Failure& failure) {
    const auto where = fmt::format("Read the lines around {}", failure.quote.where);
    const auto meaning = first_meaning(failure);
    if (!meaning) {
        return where + ", set right what they name, then back up again and run this program right after it.";
    }
    return fmt::format("{} {}, then back up again.", advice_of(*meaning), where);
}

Finding finding_of(std::vector<const Failure*> failures) {
    sort_by_weight(failures);
    std::vector<Evidence> evidence;
    for (const auto* failure : failures) {
        if (evidence.size() < most_quotes) evidence.push_back(evidence_for(*failure));
    }
    return Finding::needs_operator(summary_of(*failures.front()), std::move(evidence), action_of(*failures.front()));
}

}  // namespace

std::vector<const Failure*> current_failures(const machine::Machine& machine) {
    const auto good = last_good_backup(machine);
    std::vector<const Failure*> current;
    const auto add = [&](const std::vector<Failure>& failures) {
        for (const auto& failure : failures) {
            const bool is_newer = !good || !failure.newest || *failure.newest > *good;
            if (!failure.is_noise && !failure.is_over && (failure.in_failed_run || is_newer)) {
                current.push_back(&failure);
            }
        }
    };
    add(machine.derived<LogEvidence>().failures());
    add(machine.derived<EventEvidence>().failures());
    return current;
}

bool claims(const Outcome& outcome, const Failure& failure) {
    const auto& finding = outcome.finding;
    const bool is_told = finding.history && quotes(*finding.history, failure);
    if (is_told || std::ranges::any_of(finding.evidence, [&](const auto& each) {
            return finding.state != State::healthy && quotes(each, failure);
        })) {
        return true;
    }
    const bool is_at_work = is_left(finding.state) || finding.state == State::fixed || finding.state == State::unproven;
    return is_at_work && knows(*outcome.remediation, failure);
}

void quote_whole(std::span<Outcome> outcomes, std::span<const Failure* const> failures) {
    for (auto& outcome : outcomes) {
        if (!is_left(outcome.finding.state)) continue;
        for (auto& evidence : outcome.finding.evidence) {
            const auto is_beginning_of = [&](const Failure* failure) {
                const auto& quote = failure->quote;
                return evidence.where == quote.where && evidence.seen.size() < quote.seen.size() &&
                       quote.seen.starts_with(evidence.seen);
            };
            const auto failure = std::ranges::find_if(failures, is_beginning_of);
            if (failure != failures.end()) evidence = evidence_for(**failure);
        }
    }
}

std::span<const Remediation* const> unexplained_failures() {
    static const Remediation agent = unexplained("guest-agent-failure", "The guest agent", Layer::guest_agent);
    static const Remediation extension =
        unexplained("backup-extension-failure", "The backup extension", Layer::backup_extension);
    static const Remediation snapshot =
        unexplained("os-snapshot-failure", "The snapshot inside the VM", Layer::os_snapshot);
    static const Remediation disk = unexplained("managed-disk-failure", "The snapshot of a disk", Layer::managed_disk);
    static const Remediation network =
        unexplained("network-failure", "A connection that a backup needs", Layer::network);
    static const std::array<const Remediation*, 5> all = {&agent, &extension, &snapshot, &disk, &network};
    return all;
}

bool is_unexplained(const Remediation& remediation) {
    return std::ranges::find(unexplained_failures(), &remediation) != unexplained_failures().end();
}

void let_risks_explain(std::span<Outcome> outcomes, std::span<const Failure* const> failures,
                       std::string_view error_code) {
    const auto is_seen_at_work = [](const Outcome& each) { return says_why(each) && !each.finding.is_suspicion; };
    if (std::ranges::any_of(outcomes, is_seen_at_work)) return;
    // A mere suspicion explains nothing where a log names a cause.
    const bool is_told =
        std::ranges::any_of(outcomes, [](const Outcome& each) { return each.finding.history.has_value(); });
    for (auto& outcome : outcomes) {
        const bool is_seen = is_left(outcome.finding.state) && outcome.remediation->layer != Layer::vault &&
                             !(is_told && outcome.finding.is_suspicion);
        if (is_seen && explains(*outcome.remediation, error_code)) {
            outcome.finding.weight = Weight::cause;
            outcome.finding.is_envelope = false;
        }
    }
    if (std::ranges::any_of(outcomes, says_why)) return;
    const auto tells_of_failed_run = [&](const Outcome& outcome) {
        return is_left(outcome.finding.state) && outcome.finding.weight == Weight::risk &&
               std::ranges::any_of(
                   failures, [&](const auto* failure) { return failure->in_failed_run && claims(outcome, *failure); });
    };
    for (const bool envelope : {false, true}) {
        bool found = false;
        for (auto& outcome : outcomes) {
            const bool is_news = outcome.finding.is_envelope && is_left(outcome.finding.state);
            if (envelope ? !is_news : outcome.finding.is_envelope || !tells_of_failed_run(outcome)) continue;
            outcome.finding.weight = Weight::cause;
            found = true;
        }
        if (found) return;
    }
}

void let_proven_risks_count(std::span<Outcome> outcomes, std::span<const Failure* const> failures) {
    for (auto& outcome : outcomes) {
        auto& finding = outcome.finding;
        const bool is_seen = is_left(finding.state) && finding.weight == Weight::risk && !finding.is_suspicion &&
                             !finding.is_envelope && outcome.remediation->layer != Layer::vault;
        const bool failed_the_run = std::ranges::any_of(failures, [&](const auto* failure) {
            return failure->in_failed_run && failure->severity != Failure::Severity::warning &&
                   std::ranges::any_of(outcome.remediation->signals, [&](const auto& signal) {
                       return signal.role == Role::proof && is_of(signal, *failure);
                   });
        });
        if (is_seen && failed_the_run) finding.weight = Weight::cause;
    }
}

void tell_unexplained(std::span<Outcome> outcomes, std::span<const Failure* const> failures,
                      const machine::Machine& machine) {
    const auto& logs = machine.derived<LogEvidence>();
    const auto* attempt = logs.newest_attempt();
    const bool is_run_explained = std::ranges::any_of(outcomes, [&](const Outcome& outcome) {
        return accounts_for_run(outcome) ||
               (says_why(outcome) && std::ranges::any_of(failures, [&](const auto* failure) {
                    return failure->in_failed_run && claims(outcome, *failure);
                }));
    });
    std::map<Layer, std::vector<const Failure*>> by_layer;
    std::map<Layer, std::vector<const Failure*>> last_words;
    for (const auto* failure : failures) {
        const bool counts = failure->in_failed_run ? !is_run_explained : persists(*failure, machine);
        if (!counts) continue;
        const bool is_explained =
            std::ranges::any_of(outcomes, [&](const Outcome& outcome) { return explains_failure(outcome, *failure); });
        if (is_explained) continue;
        const bool is_last_word = AttemptReader::is_last_word(failure->quote.seen);
        (is_last_word ? last_words : by_layer)[failure->layer].push_back(failure);
    }
    // The sentence at the end of every failed run counts only where nothing else does.
    const bool failed = attempt != nullptr && attempt->succeeded != true;
    if (by_layer.empty() && failed) by_layer = std::move(last_words);
    for (auto& [layer, found] : by_layer) {
        const auto* remediation = unexplained_of(layer);
        const auto outcome = std::ranges::find(outcomes, remediation, &Outcome::remediation);
        if (outcome != outcomes.end()) outcome->finding = finding_of(found);
    }
}

}  // namespace remediations
