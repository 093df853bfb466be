// A machine that asks another one and remembers the answers.
#include <algorithm>

#include "remediations/machine/recorded/capture_content.hpp"
#include "remediations/machine/recorded/redact.hpp"

namespace machine::recorded {

namespace {

Error read_only() {
    return Error::unsupported("a recording only looks; it never changes the machine");
}

/// The base of all parts: the part that is asked, and the capture that gets the answers.
template <class Part>
class Recorder : public Part {
public:
    Recorder(const Part& inner, std::shared_ptr<Capture> capture) : inner_(inner), capture_(std::move(capture)) {}

protected:
    /// Stores `answer` with `store` under the capture's lock and returns it.
    template <class T, class Store>
    Result<T> remember(Result<T> answer, Store store) const {
        const std::scoped_lock lock(capture_->mutex);
        store(*capture_, answer);
        return answer;
    }

    const Part& inner_;
    std::shared_ptr<Capture> capture_;
};

/// The most that is kept, from its end, of a file that is read in ranges, which is usually a log.
constexpr std::size_t kept_end = std::size_t{1} << 20;

struct FileEnd {
    Result<std::string> content;
    bool cut = false;
};

/// Returns the end of a file, from the start of a line unless the file is binary.
FileEnd end_of(const Files& files, const Path& path) {
    // A file in /proc says its size is 0.
    const auto status = files.status(path);
    const bool cut = status && status->size > kept_end;
    auto content = files.read_range(path, cut ? status->size - kept_end : 0, kept_end);
    if (!cut || !content) return {std::move(content), false};
    const auto head = files.read_range(path, 0, 1024);
    const bool binary = head && head->find('\0') != std::string::npos;
    const auto line_end = content->find('\n');
    if (!binary && line_end != std::string::npos) content->erase(0, line_end + 1);
    return {std::move(content), true};
}

class RecordingFiles final : public Recorder<Files> {
public:
    using Recorder::Recorder;

    Result<FileStatus> status(const Path& path) const override {
        return remember(inner_.status(path), [&](Capture& c, const auto& answer) { c.files[path].status = answer; });
    }
    Result<std::string> read(const Path& path, std::size_t limit) const override {
        return remember(inner_.read(path, limit), [&](Capture& c, const auto& answer) {
            auto& kept = c.files[path];
            const bool end_is_kept = kept.content && *kept.content;
            if (!answer && end_is_kept) return;
            kept.content = answer;
            kept.cut = false;
        });
    }
    Result<std::string> read_range(const Path& path, std::uint64_t offset, std::size_t length) const override {
        auto answer = inner_.read_range(path, offset, length);
        {
            const std::scoped_lock lock(capture_->mutex);
            const auto& kept = capture_->files[path].content;
            if (kept && (*kept || !answer)) return answer;
        }
        auto end = end_of(inner_, path);
        const std::scoped_lock lock(capture_->mutex);
        auto& kept = capture_->files[path];
        if (kept.content && *kept.content) return answer;  // another thread was faster
        kept.content = std::move(end.content);
        kept.cut = end.cut;
        return answer;
    }
    Result<Space> space(const Path& path) const override {
        return remember(inner_.space(path),
                        [&](Capture& c, const auto& answer) { c.spaces.insert_or_assign(path, answer); });
    }
    Result<std::vector<std::string>> list(const Path& path) const override {
        return remember(inner_.list(path), [&](Capture& c, const auto& answer) { c.files[path].list = answer; });
    }
    Result<std::string> security(const Path& path) const override {
        return remember(inner_.security(path),
                        [&](Capture& c, const auto& answer) { c.files[path].security = answer; });
    }
    Result<FileVersion> version(const Path& path) const override {
        return remember(inner_.version(path), [&](Capture& c, const auto& answer) { c.files[path].version = answer; });
    }
    Result<void> write(const Path&, const std::string&, std::uint32_t) override { return read_only(); }
    Result<void> set_security(const Path&, const std::string&) override { return read_only(); }
    Result<void> set_permissions(const Path&, const FilePermissions&) override { return read_only(); }
    Result<void> move(const Path&, const Path&) override { return read_only(); }
    Result<void> remove(const Path&) override { return read_only(); }
    Result<void> create_folder(const Path&, std::uint32_t) override { return read_only(); }
    Result<void> create_link(const Path&, const Path&) override { return read_only(); }
    Result<void> remove_link(const Path&) override { return read_only(); }
    /// Asked by fixes alone, which a recording has none of.
    Result<Path> link_target(const Path& path) const override { return inner_.link_target(path); }
};

class RecordingServices final : public Recorder<Services> {
public:
    using Recorder::Recorder;

    Result<Service> find(const std::string& name) const override {
        return remember(inner_.find(name),
                        [&](Capture& c, const auto& answer) { c.services.insert_or_assign(lower_case(name), answer); });
    }
    Result<std::vector<std::string>> running_dependents(const std::string& name) const override {
        return remember(inner_.running_dependents(name), [&](Capture& c, const auto& answer) {
            c.dependents.insert_or_assign(lower_case(name), answer);
        });
    }
    Result<void> start(const std::string&, std::chrono::milliseconds) override { return read_only(); }
    Result<void> stop(const std::string&, std::chrono::milliseconds) override { return read_only(); }
    Result<void> restart(const std::string&, std::chrono::milliseconds) override { return read_only(); }
    Result<void> set_start(const std::string&, StartType) override { return read_only(); }
    Result<void> set_restarts(const std::string&, bool) override { return read_only(); }
    Result<void> reload_units() override { return read_only(); }
    Result<void> set_account(const std::string&, const std::string&) override { return read_only(); }
};

class RecordingRegistry final : public Recorder<Registry> {
public:
    using Recorder::Recorder;

    Result<RegistryValue> value(const std::string& key, const std::string& name) const override {
        return remember(inner_.value(key, name), [&](Capture& c, const auto& answer) {
            c.registry[lower_case(key)].values.insert_or_assign(lower_case(name), answer);
        });
    }
    Result<std::vector<std::string>> subkeys(const std::string& key) const override {
        return remember(inner_.subkeys(key),
                        [&](Capture& c, const auto& answer) { c.registry[lower_case(key)].subkeys = answer; });
    }
    Result<std::vector<std::string>> value_names(const std::string& key) const override {
        return remember(inner_.value_names(key),
                        [&](Capture& c, const auto& answer) { c.registry[lower_case(key)].value_names = answer; });
    }
    Result<void> set_value(const std::string&, const std::string&, const RegistryValue&) override {
        return read_only();
    }
    Result<void> remove_value(const std::string&, const std::string&) override { return read_only(); }
    Result<void> remove_key(const std::string&) override { return read_only(); }
};

/// Returns the command lines that diagnoses look at: of the agent and the extension, and of the tools with which they
/// list disks. Other command lines may contain anything, so only the name of the process is recorded.
std::vector<std::string> recorded_words(const Process& process) {
    constexpr std::string_view tools[] = {"safefreeze", "lsblk", "lsscsi", "df", "mount"};
    constexpr std::string_view parts[] = {"waagent", "WALinuxAgent", "VMSnapshotLinux", "main/handle.py"};
    const auto has_part = [&](const std::string& word) {
        return std::ranges::any_of(parts, [&](auto part) { return word.find(part) != word.npos; });
    };
    const bool counts = std::ranges::find(tools, process.name) != std::end(tools) ||
                        std::ranges::any_of(process.command_line, has_part);
    return counts && process.of_system ? redact_words(process.command_line) : std::vector<std::string>();
}

class RecordingProcesses final : public Recorder<Processes> {
public:
    using Recorder::Recorder;

    Result<std::vector<Process>> list() const override {
        return remember(inner_.list(), [](Capture& c, const auto& answer) {
            c.processes = answer;
            if (!answer) return;
            for (auto& process : **c.processes) process.command_line = recorded_words(process);
        });
    }
    Result<CommandOutput> query(const Command& command) const override {
        return remember(inner_.query(command), [&](Capture& c, const auto& answer) {
            c.commands.insert_or_assign(command_key(command), answer);
        });
    }
    Result<std::vector<Path>> modules(std::uint32_t pid) const override {
        return remember(inner_.modules(pid),
                        [&](Capture& c, const auto& answer) { c.modules.insert_or_assign(pid, answer); });
    }
    Result<CommandOutput> run(const Command&) override { return read_only(); }
    Result<void> end(std::uint32_t, std::chrono::system_clock::time_point) override { return read_only(); }
};

class RecordingMounts final : public Recorder<Mounts> {
public:
    using Recorder::Recorder;

    Result<std::vector<Mount>> list() const override {
        return remember(inner_.list(), [](Capture& c, const auto& answer) { c.mounts = answer; });
    }
    Result<void> remount(const Path&, const std::string&) override { return read_only(); }
    Result<void> thaw(const Path&) override { return read_only(); }
};

class RecordingNetwork final : public Recorder<Network> {
public:
    using Recorder::Recorder;

    Result<HttpResponse> get(const HttpRequest& request) const override {
        return remember(inner_.get(request),
                        [&](Capture& c, const auto& answer) { c.http.insert_or_assign(http_key(request), answer); });
    }
    Result<std::vector<std::string>> resolve(const std::string& host,
                                             std::chrono::milliseconds timeout) const override {
        return remember(inner_.resolve(host, timeout),
                        [&](Capture& c, const auto& answer) { c.names.insert_or_assign(host, answer); });
    }
    Result<std::string> source_address(const std::string& address) const override {
        return remember(inner_.source_address(address),
                        [&](Capture& c, const auto& answer) { c.sources.insert_or_assign(address, answer); });
    }
    Result<std::vector<NetworkInterface>> interfaces() const override {
        return remember(inner_.interfaces(), [](Capture& c, const auto& answer) { c.interfaces = answer; });
    }
};

class RecordingEventLog final : public Recorder<EventLog> {
public:
    using Recorder::Recorder;

    Result<std::vector<Event>> read(const EventQuery& query) const override {
        return remember(inner_.read(query), [&](Capture& c, const auto& answer) {
            c.event_queries.insert_or_assign(event_query_key(query),
                                             answer ? Result<void>() : Result<void>(answer.error()));
            if (!answer) return;
            // Two alike in one answer are two events; one in two answers is one.
            for (const auto& event : *answer) {
                if (std::ranges::count(c.events, event) < std::ranges::count(*answer, event)) c.events.push_back(event);
            }
        });
    }
};

class RecordingCertificates final : public Recorder<CertificateStore> {
public:
    using Recorder::Recorder;

    Result<std::vector<StoredCertificate>> list(const std::string& store) const override {
        return remember(inner_.list(store), [&](Capture& c, const auto& answer) {
            c.certificates.insert_or_assign(lower_case(store), answer);
        });
    }
    /// A recorded machine makes it from the answer of `list`.
    Result<std::string> serialized(const std::string& store, const std::string& thumbprint) const override {
        return inner_.serialized(store, thumbprint);
    }
    Result<void> add(const std::string&, const std::string&) override { return read_only(); }
    Result<void> remove(const std::string&, const std::string&) override { return read_only(); }
};

class RecordingWmi final : public Recorder<Wmi> {
public:
    using Recorder::Recorder;

    Result<std::vector<WmiObject>> query(const std::string& name_space, const std::string& wql) const override {
        return remember(inner_.query(name_space, wql), [&](Capture& c, const auto& answer) {
            c.wmi.insert_or_assign(wmi_key(name_space, wql), answer);
        });
    }
};

class RecordingAzure final : public Recorder<Azure> {
public:
    using Recorder::Recorder;

    Result<AzureAccess> access() const override {
        return remember(inner_.access(), [](Capture& c, const auto& answer) {
            if (answer || answer.error().kind != ErrorKind::unsupported) c.azure_access = answer;
        });
    }
    Result<ArmAnswer> ask(const ArmQuestion& question) const override {
        return remember(inner_.ask(question), [&](Capture& c, const auto& answer) {
            if (answer || answer.error().kind != ErrorKind::unsupported) {
                c.arm.insert_or_assign(arm_key(question), answer);
            }
        });
    }
};

}  // namespace

Recording record(const Machine& inner) {
    auto capture = std::make_shared<Capture>();
    capture->facts = inner.facts();
    MachineParts parts{inner.facts(),
                       std::make_unique<RecordingFiles>(inner.files(), capture),
                       std::make_unique<RecordingServices>(inner.services(), capture),
                       std::make_unique<RecordingRegistry>(inner.registry(), capture),
                       std::make_unique<RecordingProcesses>(inner.processes(), capture),
                       std::make_unique<RecordingMounts>(inner.mounts(), capture),
                       std::make_unique<RecordingNetwork>(inner.network(), capture),
                       std::make_unique<RecordingEventLog>(inner.events(), capture),
                       std::make_unique<RecordingCertificates>(inner.certificates(), capture),
                       std::make_unique<RecordingWmi>(inner.wmi(), capture),
                       std::make_unique<RecordingAzure>(inner.azure(), capture)};
    return {Machine(std::move(parts)), std::move(capture)};
}

}  // namespace machine::recorded
