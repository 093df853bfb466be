// Writes HTML reports into a folder: what they look like, and one that is hostile in every field.
//   render-reports FOLDER
#include <fmt/format.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "handler/report/plain_text.hpp"
#include "handler/report/report_html.hpp"
#include "tests/handler/sample_report.hpp"

namespace handler {
namespace {

using remediations::BackupAttempt;
using remediations::Finding;
using remediations::Report;
using remediations::RunMode;
using remediations::State;

constexpr auto program =
    "/var/lib/waagent/Community.Backup.BackupRemediationLinux-1.0.0.0/bin/x86_64/backup-remediation";

std::chrono::system_clock::time_point at(int day, int hour) {
    using namespace std::chrono;
    return sys_days(2026y / November / day) + hours(hour) + minutes(1) + seconds(7);
}

BackupAttempt attempt(int day, std::optional<bool> succeeded) {
    BackupAttempt result;
    result.started = at(day, 22);
    result.ended = at(day, 22) + std::chrono::seconds(succeeded == false ? 190 : 14);
    result.succeeded = succeeded;
    result.last_step = succeeded == true ? 9 : 3;
    if (succeeded != false) return result;
    result.result = 121;
    result.decisive.file = "/var/log/azure/Microsoft.Azure.RecoveryServices.VMSnapshotLinux/1.0.9230.0/extension.log";
    result.decisive.number = static_cast<std::uint64_t>(4000 + day);
    result.decisive.time = result.ended;
    result.decisive.text = "[Error] Failed to FREEZE: /mnt/data with error Device or resource busy";
    return result;
}

Report sample(Report report) {
    report.machine.now = at(21, 1);
    for (int day = 8; day < 17; ++day) report.attempts.push_back(attempt(day, true));
    for (int day = 17; day < 20; ++day) report.attempts.push_back(attempt(day, false));
    report.attempts.push_back(attempt(20, std::nullopt));
    return report;
}

Report broken() {
    auto report = sample(samples::broken_report());
    report.error_code = "UserErrorGuestAgentStatusUnavailable";
    report.outcomes[0].finding.evidence = {
        {"/etc/waagent.conf:7", "Extensions.Enabled = n # switched off for the migration", "Extensions.Enabled=y"},
        {"/var/log/waagent.log:81233", "2026-11-20 22:01:07Z INFO ExtHandler ExtHandler Extension handling is disabled",
         ""}};
    report.outcomes.push_back(
        {&samples::log_damaged,
         Finding::broken("MSDTC ends with 3221229584.", {{"service MSDTC", "exit code 3221229584", "running"}},
                         "Reinstall MSDTC.")
             .as_risk(),
         {}});
    return report;
}

Report fixed() {
    auto report = broken();
    report.mode = RunMode::fix;
    report.run_id = "20261121T014907Z-0001";
    report.outcomes[0].finding.state = State::fixed;
    report.outcomes[0].finding.action.clear();
    report.outcomes[0].changes = {{"set Extensions.Enabled=y in /etc/waagent.conf"}, {"restart service walinuxagent"}};
    report.outcomes[2] = {&samples::host_unreachable,
                          Finding::unknown("168.63.129.16:80", machine::Error::timed_out("no answer in 2 s")),
                          {}};
    return report;
}

Report healthy() {
    auto report = samples::report({samples::healthy(samples::agent_stopped), samples::healthy(samples::log_damaged),
                                   samples::healthy(samples::host_unreachable)});
    report.machine.now = at(21, 1);
    return report;
}

/// A bad night: many causes, most checks without an answer, long lines.
Report many() {
    static std::vector<remediations::Remediation> causes;
    causes.clear();
    for (int number = 0; number < 40; ++number) {
        const auto layer =
            remediations::all_layers[static_cast<std::size_t>(number) % std::size(remediations::all_layers)];
        causes.push_back(samples::cause(fmt::format("cause-{}", number),
                                        fmt::format("Part {} of the VM is not as a backup needs it", number), layer));
    }
    auto report = sample(samples::report({}));
    for (std::size_t index = 0; index < causes.size(); ++index) {
        Finding finding =
            Finding::needs_operator(fmt::format("Part {} is stopped.", index), {{"service x", "stopped", "running"}},
                                    fmt::format("Start part {}.", index));
        if (index % 3 == 1) {
            finding = Finding::unknown("169.254.169.254/metadata/instance",
                                       machine::Error::failed("169.254.169.254/metadata/instance answered HTTP 403"));
        }
        if (index % 3 == 2) {
            finding.evidence = {{"/var/log/waagent.log:1", std::string(900, 'x') + " " + std::string(900, '/'), ""}};
            finding = std::move(finding).as_risk();
        }
        report.outcomes.push_back({&causes[index], std::move(finding), {}});
    }
    report.root_cause = &causes[0];
    report.root_cause_reason =
        "14 things were found broken. Of those that are most certain, this one is the first in the "
        "pipeline (layer guest-agent).";
    return report;
}

/// Names of other scripts, of the longest there are, and without a place to break.
Report names() {
    auto report = broken();
    report.machine.host_name = "\u05e9\u05e8\u05ea-\u05d2\u05d9\u05d1\u05d5\u05d9-1";
    report.machine.os_name = "\u0644\u064a\u0646\u0643\u0633 12 " + std::string(120, 'o');
    const std::string path = "/srv/\u0646\u0633\u062e (1)/" + std::string(250, 'n') + "/\u65e5\u672c\u8a9e.conf";
    report.outcomes[0].finding.summary = fmt::format("{} names a file that is missing.", path);
    report.outcomes[0].finding.evidence = {{path + ":7", "\u05de\u05e6\u05d1 = \u05db\u05d1\u05d5\u05d9 (0)", path}};
    report.outcomes[0].finding.action = fmt::format("Restore {}.", path);
    return report;
}

/// Makes a different attack for each field, and remembers it.
class Hostile {
public:
    std::string operator()() {
        constexpr const char* attacks[] = {
            "<script>document.title='pwned'</script>",
            "\"><img src=x onerror=\"window.pwned=1\">",
            "'><svg onload=pwned()>",
            "</style><style>@import url(http://192.0.2.1/x.css);</style>",
            "</title><meta http-equiv=refresh content=\"0;url=http://192.0.2.1/\">",
            "<!-- --><iframe src=\"http://192.0.2.1/\"></iframe>",
            "&lt;b&gt; &amp; &#60; <b>&copy</b>",
            "]]><a href=\"javascript:pwned()\" autofocus onfocus=pwned()>x</a>",
            "\x1b[31m\xe2\x80\xae\xff\r\n\t\x7f <link rel=stylesheet href=//192.0.2.1/>",
            "</pre></code></li></ol></main></body></html><plaintext>",
        };
        auto text = fmt::format("{} {} {}", number_, attacks[number_ % std::size(attacks)],
                                number_ % 7 == 0 ? std::string(300, 'W') : std::string("end"));
        ++number_;
        shown_.emplace_back(visible(text));
        return text;
    }
    const boost::json::array& shown() const { return shown_; }

private:
    std::size_t number_ = 0;
    boost::json::array shown_;
};

Report hostile(Hostile& text) {
    // Remediations are this program's own, but a report of them is made from text too.
    static std::vector<remediations::Remediation> causes;
    causes.clear();
    for (const auto state :
         {State::broken, State::healthy, State::fixed, State::needs_approval, State::needs_operator, State::unknown}) {
        const auto layer =
            remediations::all_layers[static_cast<std::size_t>(state) % std::size(remediations::all_layers)];
        causes.push_back(samples::cause(text(), text(), layer));
    }
    Report report = samples::report({});
    std::size_t index = 0;
    for (const auto state :
         {State::broken, State::healthy, State::fixed, State::needs_approval, State::needs_operator, State::unknown}) {
        Finding finding;
        finding.state = state;
        finding.summary = text();
        if (state != State::healthy) finding.evidence = {{text(), text(), text()}, {text(), text(), text()}};
        if (state != State::healthy && state != State::fixed) finding.action = text();
        report.outcomes.push_back({&causes[index++], std::move(finding), {}});
    }
    report.outcomes[2].changes = {{text()}, {text(), remediations::PlannedStep::Undo::cannot}};
    report.root_cause = &causes[0];
    report.root_cause_reason = text();
    report.mode = RunMode::fix;
    report.run_id = text();
    report.error_code = text();
    report.machine.host_name = text();
    report.machine.os_name = text();
    report.machine.os_version = text();
    report.machine.architecture = text();
    report.machine.now = at(21, 1);
    for (int day = 1; day < 4; ++day) {
        auto one = attempt(day, false);
        one.decisive.file = text();
        one.decisive.text = text();
        report.attempts.push_back(std::move(one));
    }
    return report;
}

}  // namespace

int render(const std::filesystem::path& folder) {
    Hostile text;
    const auto program_text = text();
    const std::pair<const char*, std::string> documents[] = {
        {"broken", report_html(broken(), Subject::this_computer, program)},
        {"fixed", report_html(fixed(), Subject::this_computer, program)},
        {"healthy", report_html(healthy(), Subject::this_computer, program)},
        {"many", report_html(many(), Subject::this_computer, program)},
        {"names", report_html(names(), Subject::this_computer, program)},
        {"hostile", report_html(hostile(text), Subject::this_computer, program_text)},
    };
    for (const auto& [name, document] : documents) {
        std::ofstream(folder / fmt::format("{}.html", name), std::ios::binary) << document;
    }
    std::ofstream(folder / "hostile.json") << boost::json::serialize(text.shown());
    return 0;
}

}  // namespace handler

int main(int count, char** arguments) {
    if (count != 2) {
        std::cerr << "render-reports FOLDER\n";
        return 2;
    }
    return handler::render(arguments[1]);
}
