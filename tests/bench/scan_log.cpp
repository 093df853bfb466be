// Looks for every line that a remediation knows in a log, as the handler does.
//   scan_log FILE        reads FILE as the backup extension's log, prints how many lines were found
//   scan_log --patterns  prints the same as extended regular expressions, one a line
#include <iostream>
#include <memory>

#include "remediations/engine/catalogue.hpp"
#include "remediations/knowledge/logs/attempt_reader.hpp"
#include "remediations/knowledge/logs/failure_reader.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"

namespace {

using namespace remediations;

/// One file of this computer, at the place of the log.
class OneLog : public machine::Files {
public:
    explicit OneLog(machine::Path file) : file_(std::move(file)), local_(machine::local_machine()) {}

    machine::Result<machine::FileStatus> status(const machine::Path& path) const override {
        return path == log ? local_.files().status(file_) : missing();
    }
    machine::Result<std::string> read_range(const machine::Path&, std::uint64_t offset,
                                            std::size_t length) const override {
        return local_.files().read_range(file_, offset, length);
    }
    machine::Result<std::vector<std::string>> list(const machine::Path& directory) const override {
        return directory == folder
                   ? machine::Result<std::vector<std::string>>(std::vector<std::string>{"extension.log"})
                   : missing();
    }
    machine::Result<std::string> read(const machine::Path&, std::size_t) const override { return missing(); }
    machine::Result<machine::Space> space(const machine::Path&) const override { return missing(); }
    machine::Result<void> write(const machine::Path&, const std::string&, std::uint32_t) override { return missing(); }
    machine::Result<void> set_permissions(const machine::Path&, const machine::FilePermissions&) override {
        return missing();
    }
    machine::Result<void> move(const machine::Path&, const machine::Path&) override { return missing(); }
    machine::Result<void> remove(const machine::Path&) override { return missing(); }
    machine::Result<void> create_folder(const machine::Path&, std::uint32_t) override { return missing(); }

private:
    static machine::Error missing() { return machine::Error::not_found(""); }

    inline static const machine::Path folder = "/var/log/azure/Microsoft.Azure.RecoveryServices.VMSnapshotLinux";
    inline static const machine::Path log = folder + "/extension.log";
    machine::Path file_;
    machine::Machine local_;
};

class NoPrograms : public machine::Processes {
public:
    machine::Result<std::vector<machine::Process>> list() const override { return none(); }
    machine::Result<machine::CommandOutput> query(const machine::Command&) const override { return none(); }
    machine::Result<machine::CommandOutput> run(const machine::Command&) override { return none(); }

private:
    static machine::Error none() { return machine::Error::not_found(""); }
};

/// What is looked for in any log, as if it were in this one.
std::vector<LogPattern> patterns() {
    std::vector<LogPattern> result;
    for (const auto* remediation : catalogue()) {
        for (const auto& signal : remediation->signals) {
            if (signal.is_line()) result.push_back({Log::extension, signal.line.text});
        }
    }
    return result;
}

std::string as_regular_expression(const std::string& text) {
    std::string result;
    for (const char c : text) {
        if (std::string_view("\\^$.[]|()*+?{}").find(c) != std::string_view::npos) {
            result += '\\';
        }
        result += c;
    }
    return result;
}

}  // namespace

int main(int count, char** values) {
    if (count != 2) {
        std::cerr << "usage: scan_log FILE | --patterns\n";
        return 2;
    }
    if (values[1] == std::string_view("--patterns")) {
        for (const auto& pattern : patterns()) {
            std::cout << as_regular_expression(pattern.text) << '\n';
        }
        for (const auto* const markers :
             {&AttemptReader::markers(machine::Platform::linux), &FailureReader::markers(Log::extension)}) {
            for (const auto& marker : *markers) {
                std::cout << as_regular_expression(marker) << '\n';
            }
        }
        return 0;
    }
    machine::MachineParts parts;
    parts.facts.now = std::chrono::system_clock::now();
    parts.files = std::make_unique<OneLog>(values[1]);
    parts.processes = std::make_unique<NoPrograms>();
    const machine::Machine machine(std::move(parts));
    const LogEvidence evidence(machine, patterns());
    for (const auto& source : evidence.sources()) {
        if (source.error) {
            std::cerr << source.error->message << '\n';
            return 1;
        }
    }
    std::uint64_t lines = 0;
    for (const auto& pattern : patterns()) {
        const auto* match = evidence.find(pattern.log, pattern.text);
        lines += match ? match->count : 0;
    }
    std::cout << lines << " lines, " << evidence.attempts().size() << " attempts, " << evidence.failures().size()
              << " failures\n";
    return evidence.attempts().empty() ? 1 : 0;
}
