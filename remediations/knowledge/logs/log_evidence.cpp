#include "remediations/knowledge/logs/log_evidence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "remediations/formats/gzip_inflater.hpp"
#include "remediations/knowledge/logs/attempt_reader.hpp"
#include "remediations/knowledge/logs/failure_reader.hpp"
#include "remediations/knowledge/logs/line_scanner.hpp"
#include "remediations/knowledge/logs/log_files.hpp"
#include "remediations/machine/clock_time.hpp"
#include "remediations/machine/process_list.hpp"
#include "remediations/machine/recorded/redact.hpp"

namespace remediations {
namespace {

using Time = std::chrono::system_clock::time_point;
using machine::Error;
using machine::ErrorKind;
using machine::Path;
using machine::Platform;

constexpr std::size_t piece_length = std::size_t{512} << 10;
/// Of a log that is not searched, only the time of the newest line matters.
constexpr std::uint64_t end_of_file = std::uint64_t{64} << 10;
/// Clocks differ and drift. A later time was written while the clock was wrong.
constexpr auto credible_lead = std::chrono::hours(24);
/// No time zone is further from UTC.
constexpr auto furthest_zone = std::chrono::hours(14);
/// A log that continues for so long without the line shows that the cause is over.
constexpr auto longest_proof = std::chrono::hours(72);

/// Returns when a Linux machine was booted: the line "btime <seconds>" of /proc/stat.
std::optional<Time> boot_time(const machine::Machine& machine) {
    const auto statistics = machine.files().read("/proc/stat");
    if (!statistics) {
        return std::nullopt;
    }
    constexpr std::string_view key = "\nbtime ";
    const auto place = statistics->find(key);
    if (place == std::string::npos) {
        return std::nullopt;
    }
    std::int64_t seconds = 0;
    for (auto i = place + key.size(); i < statistics->size() && i < place + key.size() + 12; ++i) {
        const char digit = (*statistics)[i];
        if (digit < '0' || digit > '9') {
            break;
        }
        seconds = seconds * 10 + (digit - '0');
    }
    return seconds > 0 ? std::optional(machine::time_after_1970(std::chrono::seconds(seconds))) : std::nullopt;
}

/// A run whose log is silent for so long is over, even if its processes are not known.
constexpr auto longest_run = std::chrono::hours(24);

/// Returns true if a process of the backup extension runs; nullopt where that is not known.
std::optional<bool> extension_runs(const machine::Machine& machine) {
    const auto& processes = machine.derived<machine::ProcessList>().processes();
    if (!processes) {
        return std::nullopt;
    }
    const bool on_windows = machine.facts().platform == Platform::windows;
    return std::ranges::any_of(*processes, [&](const machine::Process& process) {
        if (!process.of_system) {
            return false;  // anybody's process can call itself so
        }
        if (on_windows) {
            return process.name.starts_with("IaaSBcdrExtension");
        }
        return process.name == "safefreeze" || std::ranges::any_of(process.command_line, [](const auto& argument) {
                   return argument.find("Microsoft.Azure.RecoveryServices.VMSnapshotLinux-") != std::string::npos;
               });
    });
}

/// Returns true for systemd's own lines about the agent.
bool is_of_agents_unit(std::string_view line) {
    return (line.find("waagent.service") != std::string_view::npos ||
            line.find("walinuxagent.service") != std::string_view::npos) &&
           line.substr(0, 200).find("systemd") != std::string_view::npos;
}

/// Returns true for a line of the agent in the system log.
bool is_from_agent(std::string_view line) {
    constexpr std::string_view marks[] = {"waagent", "WALinuxAgent", "ExtHandler"};
    return std::ranges::any_of(marks, [&](auto mark) { return line.find(mark) != std::string_view::npos; });
}

}  // namespace

/// Reads the logs of a machine, one after the other, into a LogEvidence.
class LogReader {
public:
    LogReader(LogEvidence& evidence, const machine::Machine& machine, const LogLimits& limits)
        : evidence_(evidence),
          machine_(machine),
          most_of_log_(limits.most_of_log),
          unpacked_left_(limits.most_unpacked),
          attempts_(machine.facts().platform),
          failures_(machine.facts().platform) {}

    void read_all() {
        const bool on_linux = machine_.facts().platform == Platform::linux;
        if (on_linux) {
            boot_ = boot_time(machine_);
            if (!search(Log::kernel).texts.empty()) {
                read_output(Log::kernel, "dmesg", machine::Command("/bin/dmesg", {}, std::chrono::seconds(5)), false);
            }
        }
        auto found = find_log_files(machine_);
        for (auto& unreadable : found.unreadable) {
            evidence_.sources_.push_back({unreadable.log, std::move(unreadable.path), std::move(unreadable.error)});
        }
        const auto is_own_log_of_agent = [](const LogFile& file) {
            return file.log == Log::agent && file.lines == LogFile::Lines::all;
        };
        if (on_linux && std::ranges::none_of(found.files, is_own_log_of_agent) && read_journal_of_agent()) {
            std::erase_if(found.files, [](const LogFile& file) { return file.log == Log::agent; });
        }
        const auto begins = beginnings(found.files);
        for (std::size_t i = 0; i < found.files.size(); ++i) {
            const auto& file = found.files[i];
            if (begins[i]) {
                read_file(file, *begins[i]);
            } else if (!search(file.log).texts.empty()) {
                evidence_.sources_.push_back(
                    {file.log, file.path,
                     machine::Error::too_large(fmt::format("{}: not read; newer files of this log already have {} MiB",
                                                           file.path, most_of_log_ >> 20))});
            }
        }
        evidence_.attempts_ = std::move(attempts_).finish();
        find_broken_off();
        evidence_.failures_ = failures_.finish(evidence_.attempts_);
        evidence_.dropped_failures_ = failures_.dropped();
        make_presentable();
    }

private:
    /// Marks the runs that have no result and will get none.
    void find_broken_off() {
        auto& attempts = evidence_.attempts_;
        const auto now = machine_.facts().now;
        for (std::size_t i = 0; i < attempts.size(); ++i) {
            auto& attempt = attempts[i];
            if (attempt.succeeded) {
                continue;
            }
            const auto last = attempt.ended ? attempt.ended : attempt.started;
            const bool is_followed = i + 1 < attempts.size();
            const bool booted_later = last && boot_ && *boot_ > *last;
            const bool is_old = last && now != Time{} && now - *last > longest_run;
            attempt.broke_off = is_followed || booted_later || is_old || !extension_runs(machine_).value_or(true);
        }
    }

    /// Cleans the lines that are kept: logs contain garbage, signed addresses and commands.
    void make_presentable() {
        const auto clean = [](std::string& text) { text = printable(machine::recorded::redact(printable(text))); };
        for (auto& [key, entry] : evidence_.entries_) {
            clean(entry.match.newest.text);
        }
        for (auto& failure : evidence_.failures_) {
            clean(failure.quote.seen);
            clean(failure.subject);
            clean(failure.operation);
        }
        for (auto& attempt : evidence_.attempts_) {
            clean(attempt.result_text);
            clean(attempt.decisive.text);
            for (auto& failure : attempt.freeze_failures) {
                clean(failure.text);
                clean(failure.reason);
            }
        }
    }

    /// The search in one log.
    struct Search {
        std::vector<LogEvidence::Entry*>
            entries;  // by pattern; behind them AttemptReader's markers, then FailureReader's
        std::size_t attempt_markers = 0;
        std::vector<std::string> texts;
        std::unique_ptr<PatternAutomaton> automaton;
    };

    /// Returns the offset at which to begin in each file, so that the newest most_of() bytes of each log are read;
    /// nullopt: the file is not read.
    std::vector<std::optional<std::uint64_t>> beginnings(const std::vector<LogFile>& files) {
        std::vector<std::optional<std::uint64_t>> result(files.size());
        std::map<Log, std::uint64_t> room;
        for (auto i = files.size(); i-- > 0;) {
            const auto& file = files[i];
            auto& left = room.try_emplace(file.log, most_of(file.log)).first->second;
            const bool whole = file.status.size <= left;
            if (left > 0 && (whole || file.compression == Compression::none)) {
                result[i] = whole ? 0 : file.status.size - left;
            }
            left -= whole ? file.status.size : left;
        }
        return result;
    }

    std::uint64_t most_of(Log log) { return search(log).texts.empty() ? end_of_file : most_of_log_; }

    Search& search(Log log) {
        auto& result = searches_[log];
        if (!result.automaton) {
            for (auto& [key, entry] : evidence_.entries_) {
                if (key.first == log) {
                    result.entries.push_back(&entry);
                    result.texts.push_back(key.second);
                }
            }
            if (log == Log::extension) {
                const auto& markers = AttemptReader::markers(machine_.facts().platform);
                result.texts.insert(result.texts.end(), markers.begin(), markers.end());
                result.attempt_markers = markers.size();
            }
            const auto& markers = FailureReader::markers(log);
            result.texts.insert(result.texts.end(), markers.begin(), markers.end());
            result.automaton = std::make_unique<PatternAutomaton>(result.texts);
        }
        return result;
    }

    /// Creates the scanner for the lines of one source.
    LineScanner scanner(Log log, const Path& path, const LogClock& clock, LogFile::Lines wanted, bool numbered) {
        const std::uint64_t before = lines_before_;
        return {*search(log).automaton, clock, [this, log, path, wanted, numbered, before](ScannedLine line) {
                    const auto position = before + line.number;
                    const bool of_unit = wanted != LogFile::Lines::all && is_of_agents_unit(line.raw);
                    const bool is_wanted =
                        wanted == LogFile::Lines::all ||
                        (wanted == LogFile::Lines::of_the_kernel ? line.parts.from_kernel : is_from_agent(line.raw));
                    if (!is_wanted) {
                        return of_unit && failures_.read(log, line, position);
                    }
                    if (!numbered) {
                        line.number = 0;
                    }
                    return take(log, path, line, position);
                }};
    }

    /// Takes one line. Returns true if it wants the next line too.
    bool take(Log log, const Path& path, const ScannedLine& line, std::uint64_t position) {
        auto& search = searches_[log];
        markers_.clear();
        for (const auto& found : line.found) {
            if (found.pattern >= search.entries.size()) {
                const auto marker = found.pattern - static_cast<std::uint32_t>(search.entries.size());
                if (marker < search.attempt_markers) {
                    markers_.push_back({marker, found.end});
                }
                continue;
            }
            auto& entry = *search.entries[found.pattern];
            entry.match.newest = line.to_log_line(path, found, search.texts[found.pattern].size());
            ++entry.match.count;
            entry.position = position;
            entry.zone_known = line.parts.zone_known;
        }
        const bool wants_next = FailureReader::reads(log) && failures_.read(log, line, position);
        if (log == Log::extension) {
            const bool is_caught = failures_.is_in_caught_exception();
            caught_in_run_ = caught_in_run_ && is_caught && failures_.continues();
            attempts_.set_continues(caught_in_run_);
            attempts_.read(line, markers_, position);
            if (is_caught && (caught_in_run_ || !failures_.continues())) {
                caught_in_run_ = attempts_.extend(line, position);
            }
        }
        return wants_next;
    }

    void finish(LineScanner& scanner, Log log, const Time& written) {
        scanner.finish();
        lines_before_ += scanner.lines() + 1;
        auto newest = scanner.newest_time();
        if (newest && !evidence_.is_credible(*newest)) {
            newest = written;
        }
        if (newest && evidence_.is_credible(*newest) && *newest != Time{}) {
            auto& known = evidence_.newest_lines_[log];
            known = std::max(known, *newest);
        }
    }

    void read_file(const LogFile& file, std::uint64_t begin) {
        std::optional<Error> error;
        if (begin > 0 && !search(file.log).texts.empty()) {
            error = machine::Error::too_large(fmt::format("{}: of {} MiB only the last {} MiB were read", file.path,
                                                          file.status.size >> 20, (file.status.size - begin) >> 20));
        }
        LogClock clock;
        // A capture may lack it. Then the log is taken to end at the time of the machine.
        if (const auto written = file.status.modified != Time{} ? file.status.modified : machine_.facts().now;
            written != Time{}) {
            clock.written = written;
        }
        clock.boot = boot_;
        clock.has_host = file.has_host;
        failures_.begin_file(file.log, file.path);
        if (file.log == Log::extension) {
            attempts_.begin_file(file.path);
        }
        auto lines = scanner(file.log, file.path, clock, file.lines, begin == 0);
        switch (file.compression) {
            case Compression::none:
                if (auto read = read_pieces(file, begin,
                                            [&](std::string_view piece) -> machine::Result<void> {
                                                lines.feed(piece);
                                                return {};
                                            });
                    !read) {
                    error = read.error();
                }
                break;
            case Compression::gzip: {
                GzipInflater inflater(file.path, unpacked_left_, [&](std::string_view piece) {
                    unpacked_left_ -= piece.size();
                    lines.feed(piece);
                });
                auto read = read_pieces(file, 0, [&](std::string_view piece) { return inflater.feed(piece); });
                if (read) {
                    read = inflater.finish();
                }
                if (!read) {
                    error = read.error();
                }
                break;
            }
            case Compression::unsupported:
                error = machine::Error::unsupported(fmt::format("{}: of compressed logs only gzip is read", file.path));
                break;
        }
        if (file.lines == LogFile::Lines::of_the_agent) {
            lines.finish();  // its newest line is another program's
            lines_before_ += lines.lines() + 1;
        } else {
            finish(lines, file.log, file.status.modified);
        }
        evidence_.sources_.push_back({file.log, file.path, std::move(error)});
    }

    /// Reads up to the length that the file had when it was found: a log that grows faster than it is read would never
    /// end.
    template <class Consumer>
    machine::Result<void> read_pieces(const LogFile& file, std::uint64_t offset, const Consumer& consume) {
        while (offset < file.status.size) {
            const auto length = std::min<std::uint64_t>(piece_length, file.status.size - offset);
            const auto piece = machine_.files().read_range(file.path, offset, static_cast<std::size_t>(length));
            if (!piece) {
                return piece.error();
            }
            if (piece->empty()) {
                break;  // cut off meanwhile
            }
            if (auto consumed = consume(*piece); !consumed) {
                return consumed;
            }
            offset += piece->size();
        }
        return {};
    }

    bool read_journal_of_agent() {
        return read_output(Log::agent, "journal",
                           machine::Command("/usr/bin/journalctl",
                                            {"--unit=walinuxagent.service", "--unit=waagent.service", "--lines=2000",
                                             "--no-pager", "--quiet", "--utc", "--output=short-iso"},
                                            std::chrono::seconds(10)),
                           true);
    }

    /// Reads the output of a command. Returns true if there was any.
    bool read_output(Log log, const Path& name, const machine::Command& command, bool has_host) {
        const auto output = machine_.processes().query(command);
        if (!output) {
            if (output.error().kind != ErrorKind::not_found) {
                evidence_.sources_.push_back({log, name, output.error()});
            }
            return false;
        }
        if (output->exit_code != 0) {
            evidence_.sources_.push_back(
                {log, name,
                 machine::Error::refused(
                     fmt::format("{}: exit code {}: {}", command.program, output->exit_code, printable(output->err)))});
            return false;
        }
        failures_.begin_file(log, name);
        LogClock clock;
        clock.written = machine_.facts().now;
        clock.boot = boot_;
        clock.has_host = has_host;
        auto lines = scanner(log, name, clock, LogFile::Lines::all, false);
        lines.feed(output->out);
        finish(lines, log, machine_.facts().now);
        evidence_.sources_.push_back({log, name, std::nullopt});
        return !output->out.empty();
    }

    LogEvidence& evidence_;
    const machine::Machine& machine_;
    std::uint64_t most_of_log_;
    std::uint64_t unpacked_left_;
    AttemptReader attempts_;
    FailureReader failures_;
    bool caught_in_run_ = false;  // the lines are those of an exception that a run of the extension caught
    std::map<Log, Search> searches_;
    std::vector<ScannedLine::Found> markers_;
    std::optional<Time> boot_;
    std::uint64_t lines_before_ = 0;  // in the sources that were read before
};

LogEvidence::LogEvidence(const machine::Machine& machine, const std::vector<LogPattern>& patterns,
                         const LogLimits& limits) {
    if (machine.facts().now != Time{}) {
        latest_credible_ = machine.facts().now + credible_lead;
    }
    for (const auto& pattern : patterns) {
        if (pattern.text.empty() || pattern.text.find_first_of("\r\n") != std::string::npos) {
            throw std::logic_error(fmt::format("\"{}\" cannot be looked for in a line", pattern.text));
        }
        entries_.try_emplace({pattern.log, pattern.text});
    }
    LogReader(*this, machine, limits).read_all();
    for (const auto& attempt : attempts_) {
        if (attempt.succeeded.value_or(false)) {
            success_position_ = attempt.end_position;
            success_time_ = attempt.ended && is_credible(*attempt.ended) ? attempt.ended : std::nullopt;
        }
    }
}

bool LogEvidence::is_credible(std::chrono::system_clock::time_point time) const {
    return !latest_credible_ || time <= *latest_credible_;
}

const LogEvidence::Entry* LogEvidence::entry(Log log, std::string_view text) const {
    const auto place = entries_.find(std::pair(log, std::string(text)));
    if (place == entries_.end()) {
        throw std::logic_error(fmt::format("no remediation's signals have \"{}\" for this log", text));
    }
    return place->second.match.count > 0 ? &place->second : nullptr;
}

const LogMatch* LogEvidence::find(Log log, std::string_view text) const {
    const auto* const found = entry(log, text);
    return found ? &found->match : nullptr;
}

const LogMatch* LogEvidence::find_current(Log log, std::string_view text) const {
    const auto* const found = entry(log, text);
    if (!found) {
        return nullptr;
    }
    const auto& time = found->match.newest.time;
    const bool healed = log == Log::extension
                            ? success_position_ && found->position <= *success_position_
                            : success_time_ && time && is_credible(*time) &&
                                  *time + (found->zone_known ? std::chrono::hours(0) : furthest_zone) <= *success_time_;
    return healed ? nullptr : &found->match;
}

const LogLine* LogEvidence::proof_for(const Remediation& remediation, bool as_history) const {
    const auto* attempt = newest_attempt();
    const bool has_result = attempt && attempt->result && !attempt->decisive.file.empty();
    const auto is_result = [&](const Signal& signal) {
        return std::ranges::find(signal.results, *attempt->result) != signal.results.end();
    };
    if (has_result && std::ranges::any_of(remediation.signals, is_result)) return &attempt->decisive;
    for (const auto& signal : remediation.signals) {
        if (signal.role != Role::proof || !signal.is_line() || (as_history && signal.heals_unsaid)) {
            continue;
        }
        const auto log = signal.line.log;
        const auto* match = find_current(log, signal.line.text);
        const auto has = [&](const std::string& part) { return match->newest.text.find(part) != std::string::npos; };
        if (!match || !std::ranges::all_of(signal.with, has) || std::ranges::any_of(signal.without, has)) {
            continue;
        }
        const auto position = entry(log, signal.line.text)->position;
        const bool revoked = std::ranges::any_of(signal.revoked_by, [&](const std::string& text) {
            const auto* later = entry(log, text);
            return later && later->position > position;
        });
        if (revoked) {
            continue;
        }
        const auto newest = newest_line(log);
        if (newest && match->newest.time && *newest - *match->newest.time > longest_proof) {
            continue;
        }
        return &match->newest;
    }
    return nullptr;
}

const LogEvidence::Source* LogEvidence::unread(Log log) const {
    const auto source =
        std::ranges::find_if(sources_, [&](const Source& one) { return one.log == log && one.error.has_value(); });
    return source == sources_.end() ? nullptr : &*source;
}

std::optional<std::chrono::system_clock::time_point> LogEvidence::newest_line(Log log) const {
    const auto place = newest_lines_.find(log);
    return place == newest_lines_.end() ? std::nullopt : std::optional(place->second);
}

}  // namespace remediations
