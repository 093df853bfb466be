#include "handler/report/support_bundle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "handler/report/paths.hpp"
#include "handler/report/report_html.hpp"
#include "handler/report/report_json.hpp"
#include "handler/report/status.hpp"
#include "remediations/formats/zip_writer.hpp"
#include "remediations/knowledge/logs/log_files.hpp"
#include "remediations/machine/recorded/capture.hpp"
#include "remediations/machine/recorded/redact.hpp"

namespace handler {

using machine::Machine;
using machine::Result;
using machine::recorded::redact;
using remediations::Compression;
using remediations::RunOptions;

namespace {

struct Extract {
    const char* name;
    machine::Command command;
};

std::vector<Extract> extracts(const machine::SystemFacts& facts) {
    constexpr auto patience = std::chrono::seconds(20);
    if (facts.platform == machine::Platform::windows) {
        const auto tool = facts.system_drive + "\\Windows\\System32\\wevtutil.exe";
        const auto newest_of = [&](const char* log) {
            return machine::Command(tool, {"qe", log, "/c:2000", "/rd:true", "/f:text"}, patience);
        };
        return {{"events-system", newest_of("System")}, {"events-application", newest_of("Application")}};
    }
    const auto newest_of = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.end(), {"--no-pager", "--utc", "--output=short-iso", "--lines=5000"});
        return machine::Command("/usr/bin/journalctl", std::move(arguments), patience);
    };
    return {{"journal-agent", newest_of({"--unit=walinuxagent.service", "--unit=waagent.service"})},
            {"journal-warnings", newest_of({"--priority=warning"})}};
}

/// Returns "var/log/x" for "/var/log/x", "C/x/y" for "C:\x\y".
std::string name_in_archive(std::string path) {
    std::erase(path, ':');
    std::ranges::replace(path, '\\', '/');
    path.erase(0, path.find_first_not_of('/'));
    return path;
}

class Bundle {
public:
    Bundle(const Machine& machine, const BundleLimits& limits)
        : machine_(machine), limits_(limits), zip_(machine.facts().now) {}

    void add(const std::string& name, std::string_view content) {
        zip_.add(name, content);
        used_ += content.size();
        contents_ += fmt::format("{:>10}  {}\n", content.size(), name);
    }

    void leave_out(const std::string& what, const std::string& why) {
        contents_ += fmt::format("  left out  {}: {}\n", what, why);
    }

    /// Adds the newest part of a log. Leaves out a line that is cut in two, because half a secret is not recognized.
    void add_log(const machine::Path& path, std::uint64_t size) {
        if (machine::recorded::is_secret_file(path)) return leave_out(path, "it holds secrets alone");
        const auto most = std::min(limits_.most_of_file, room());
        if (most == 0) return leave_out(path, "the archive has its full size");
        const auto offset = size > most ? size - most : 0;
        auto content = machine_.files().read_range(path, offset, most);
        if (!content) return leave_out(path, content.error().message);
        if (offset > 0) {
            const auto line = content->find('\n');
            content->erase(0, line == std::string::npos ? content->size() : line + 1);
            contents_ += fmt::format("{:>10}  of {} bytes are the newest of\n", content->size(), size);
        }
        add("logs/" + name_in_archive(path), redact(*content));
    }

    void add_extract(const Extract& extract) {
        const auto name = fmt::format("commands/{}.txt", extract.name);
        if (room() == 0) return leave_out(name, "the archive has its full size");
        const auto answer = machine_.processes().query(extract.command);
        if (!answer) return leave_out(name, answer.error().message);
        add(name, redact(answer->out + answer->err));
    }

    std::size_t room() const { return limits_.most_in_all - std::min(used_, limits_.most_in_all); }

    std::string archive() && {
        zip_.add("contents.txt",
                 "Bytes, and what is in this archive. Known secrets are redacted; look through it "
                 "before you give it away.\n" +
                     contents_);
        return std::move(zip_).archive();
    }

private:
    const Machine& machine_;
    const BundleLimits& limits_;
    remediations::ZipWriter zip_;
    std::string contents_;
    std::size_t used_ = 0;
};

}  // namespace

Result<std::string> make_support_bundle(const Machine& machine, const RunOptions& options, const BundleLimits& limits) {
    auto recording = machine::recorded::record(machine);
    const auto report = remediations::run(options, recording.machine, {});
    if (!report) return report.error();
    Bundle bundle(machine, limits);
    bundle.add("report.html", report_html(*report, Subject::capture, "backup-remediation"));
    bundle.add("report.json", report_json(*report));
    for (const auto& [place, content] : machine::recorded::serialize(*recording.capture)) {
        const auto name = place.generic_u8string();
        bundle.add("capture/" + std::string(name.begin(), name.end()), content);
    }
    for (const auto& extract : extracts(machine.facts())) bundle.add_extract(extract);
    auto logs = remediations::find_log_files(machine);
    // The newest first: where the archive gets full, the oldest are what is missing.
    std::ranges::stable_sort(logs.files, std::greater(), [](const auto& file) { return file.status.modified; });
    for (const auto& file : logs.files) {
        if (file.compression == Compression::none) {
            bundle.add_log(file.path, file.status.size);
        } else {
            bundle.leave_out(file.path, "it is packed");
        }
    }
    for (const auto& unreadable : logs.unreadable) bundle.leave_out(unreadable.path, unreadable.error.message);
    return std::move(bundle).archive();
}

}  // namespace handler
