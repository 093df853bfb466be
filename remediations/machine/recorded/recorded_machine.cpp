// A machine that answers from a capture, and changes it in memory.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "remediations/machine/recorded/capture_content.hpp"
#include "remediations/machine/security_descriptor.hpp"

namespace machine::recorded {

std::string lower_case(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

CommandKey command_key(const Command& command) {
    CommandKey key{command.program};
    key.insert(key.end(), command.arguments.begin(), command.arguments.end());
    return key;
}

std::string http_key(const HttpRequest& request) {
    return fmt::format("{}:{}{}", request.host, request.port, request.path);
}

std::string arm_key(const ArmQuestion& question) {
    auto key = fmt::format("{} {}", question.method, question.path);
    for (const auto& [name, value] : question.query) {
        key += fmt::format("{}{}={}", key.find('?') == key.npos ? '?' : '&', name, value);
    }
    if (!question.body.empty()) key += ' ' + question.body;
    return lower_case(key);
}

WmiKey wmi_key(const std::string& name_space, const std::string& wql) {
    return {lower_case(name_space), wql};
}

std::string event_query_key(const EventQuery& query) {
    std::string key = query.channel + ":";
    for (const auto& source : query.sources) {
        key += " " + source.provider;
        for (const auto id : source.ids) key += fmt::format(" {}", id);
        key += source.only_failures ? " failures;" : ";";
    }
    return lower_case(key + fmt::format(" {} s; {}", query.newer_than.count(), query.limit));
}

namespace {

/// The base of all parts.
template <class Part>
class Recorded : public Part {
public:
    explicit Recorded(std::shared_ptr<Capture> capture) : capture_(std::move(capture)) {}

protected:
    std::unique_lock<std::mutex> lock() const { return std::unique_lock(capture_->mutex); }

    /// Returns the error for something that is not in the capture.
    Error missing(Section section, const std::string& what) const {
        return capture_->complete.contains(section) ? Error::not_found(what + " does not exist") : not_captured(what);
    }
    static Error not_captured(const std::string& what) { return Error::not_captured(what + " is not in the capture"); }

    std::shared_ptr<Capture> capture_;
};

std::pair<Path, std::string> split(const Path& path) {
    const auto separator = path.find_last_of("/\\");
    if (separator == Path::npos) return {Path(), path};
    return {separator == 0 ? path.substr(0, 1) : path.substr(0, separator), path.substr(separator + 1)};
}

class RecordedFiles final : public Recorded<Files> {
public:
    using Recorded::Recorded;

    Result<FileStatus> status(const Path& path) const override {
        const auto guard = lock();
        return known_status(path);
    }

    Result<std::string> security(const Path& path) const override {
        const auto guard = lock();
        const auto* answers = find(path);
        if (answers && answers->security) return *answers->security;
        if (capture_->facts.platform != Platform::windows) return Files::security(path);
        if (const auto status = known_status(path); !status) return status.error();
        if (!capture_->complete.contains(Section::files)) {
            return not_captured("the access control list of " + path);
        }
        return std::string(usual_security);
    }

    Result<void> set_security(const Path& path, const std::string& sddl) override {
        const auto guard = lock();
        if (capture_->facts.platform != Platform::windows) return Files::set_security(path, sddl);
        if (const auto status = known_status(path); !status) return status.error();
        if (const auto parsed = parse_security_descriptor(sddl); !parsed) return parsed.error();
        capture_->files[path].security = sddl;
        return {};
    }

    Result<FileVersion> version(const Path& path) const override {
        const auto guard = lock();
        const auto* answers = find(path);
        if (answers && answers->version) return *answers->version;
        if (capture_->facts.platform != Platform::windows) return Files::version(path);
        if (const auto status = known_status(path); !status) return status.error();
        if (!capture_->complete.contains(Section::files)) return not_captured("the version of " + path);
        return Error::invalid(path + " has no version resource");
    }

    Result<std::string> read(const Path& path, std::size_t limit) const override {
        const auto guard = lock();
        const auto* answers = find(path);
        if (!answers || !answers->content) return absent(path);
        if (*answers->content && (*answers->content)->size() > limit) {
            return Error::too_large(fmt::format("{} has more than {} bytes", path, limit));
        }
        return *answers->content;
    }

    Result<std::string> read_range(const Path& path, std::uint64_t offset, std::size_t length) const override {
        const auto guard = lock();
        const auto* answers = find(path);
        if (!answers || !answers->content) return absent(path);
        if (!*answers->content) return *answers->content;
        const auto& content = **answers->content;
        return offset < content.size() ? content.substr(static_cast<std::size_t>(offset), length) : std::string();
    }

    /// Another path may be on another file system, unless the capture describes all files: then the answer for a folder
    /// applies to everything below it.
    Result<Space> space(const Path& path) const override {
        const auto guard = lock();
        const auto& spaces = capture_->spaces;
        const bool complete = capture_->complete.contains(Section::files);
        for (auto place = path;; place = split(place).first) {
            if (const auto found = spaces.find(place); found != spaces.end()) return found->second;
            if (!complete) return not_captured("the free space of " + path);
            if (split(place).first.empty() || split(place).first == place) return roomy;
        }
    }

    Result<std::vector<std::string>> list(const Path& path) const override {
        const auto guard = lock();
        const auto* answers = find(path);
        if (answers && answers->list) return *answers->list;
        return absent(path);
    }

    Result<void> write(const Path& path, const std::string& content, std::uint32_t mode) override {
        const auto guard = lock();
        auto& answers = capture_->files[path];
        auto status = answers.status && *answers.status ? **answers.status : FileStatus{.mode = mode};
        status.size = content.size();
        answers.status = status;
        answers.content = content;
        add_to_parent(path);
        return {};
    }

    Result<void> set_permissions(const Path& path, const FilePermissions& permissions) override {
        auto status = this->status(path);
        if (!status) return status.error();
        if (status->kind != FileKind::regular && status->kind != FileKind::directory) {
            return Error::invalid(path + " is neither a regular file nor a folder");
        }
        status->mode = permissions.mode;
        status->uid = permissions.uid;
        status->gid = permissions.gid;
        const auto guard = lock();
        capture_->files[path].status = *status;
        return {};
    }

    Result<void> create_folder(const Path& path, std::uint32_t mode) override {
        const auto guard = lock();
        if (find(path) && !is_absent(find(path)->status)) return Error::failed(path + " exists already");
        auto& answers = capture_->files[path];
        answers.status = FileStatus{.kind = FileKind::directory, .mode = mode};
        answers.list = std::vector<std::string>{};
        add_to_parent(path);
        return {};
    }

    Result<void> create_link(const Path& path, const Path& target) override {
        const auto guard = lock();
        if (find(path) && !is_absent(find(path)->status)) return Error::failed(path + " exists already");
        auto& answers = capture_->files[path];
        answers.status = FileStatus{.kind = FileKind::symlink, .size = target.size(), .mode = 0777};
        answers.link = target;
        add_to_parent(path);
        return {};
    }

    Result<Path> link_target(const Path& path) const override {
        const auto guard = lock();
        const auto* answers = find(path);
        if (answers && answers->link) return *answers->link;
        const auto status = known_status(path);
        if (!status) return status.error();
        if (status->kind != FileKind::symlink) return Error::invalid(path + " is no symbolic link");
        return not_captured("the target of " + path);
    }

    Result<void> remove_link(const Path& path) override {
        const auto status = this->status(path);
        if (!status) return status.error();
        if (status->kind != FileKind::symlink) return Error::invalid(path + " is no symbolic link");
        return remove(path);
    }

    Result<void> move(const Path& from, const Path& to) override {
        const auto guard = lock();
        if (!find(from)) return absent(from);
        if (find(to)) return Error::failed(to + " exists already");
        std::map<Path, FileAnswers> moved;
        for (auto entry = capture_->files.lower_bound(from); entry != capture_->files.end();) {
            const auto& path = entry->first;
            if (!path.starts_with(from)) break;
            const bool inside = path.size() == from.size() || path[from.size()] == '/' || path[from.size()] == '\\';
            if (!inside) {
                ++entry;
                continue;
            }
            moved.emplace(to + path.substr(from.size()), std::move(entry->second));
            entry = capture_->files.erase(entry);
        }
        capture_->files.merge(moved);
        remove_from_parent(from);
        add_to_parent(to);
        return {};
    }

    Result<void> remove(const Path& path) override {
        const auto guard = lock();
        if (!find(path)) return absent(path);
        capture_->files.erase(path);
        remove_from_parent(path);
        return {};
    }

private:
    static constexpr Space roomy{.total_bytes = std::uint64_t{32} << 30,
                                 .free_bytes = std::uint64_t{20} << 30,
                                 .total_inodes = 2'000'000,
                                 .free_inodes = 1'500'000};

    /// Nothing inherited; full access for SYSTEM and administrators, like most files of Windows.
    static constexpr const char* usual_security = "O:SYG:SYD:(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";

    Result<FileStatus> known_status(const Path& path) const {
        const auto* answers = find(path);
        if (answers && answers->status) return *answers->status;
        if (answers && answers->content && *answers->content) return status_of(**answers->content);
        if (answers && answers->list && *answers->list) return FileStatus{.kind = FileKind::directory};
        return absent(path);
    }

    static FileStatus status_of(const std::string& content) { return {.size = content.size(), .mode = 0600}; }

    const FileAnswers* find(const Path& path) const {
        const auto found = capture_->files.find(path);
        return found == capture_->files.end() ? nullptr : &found->second;
    }

    template <class T>
    static bool is_absent(const std::optional<Result<T>>& answer) {
        return answer && !*answer && answer->error().kind == ErrorKind::not_found;
    }

    /// Returns not_found for a path below something that does not exist, and for a path that a known list does not
    /// contain, even if nobody asked for it when the machine was recorded.
    Error absent(const Path& path) const {
        const Error not_found = Error::not_found(path + " does not exist");
        for (auto [parent, name] = split(path); !parent.empty();) {
            if (const auto* answers = find(parent)) {
                if (answers->list && *answers->list &&
                    std::ranges::find(**answers->list, name) == (*answers->list)->end()) {
                    return not_found;
                }
                if (is_absent(answers->status) || is_absent(answers->list)) return not_found;
            }
            auto next = split(parent);
            if (next.first == parent) break;
            std::tie(parent, name) = std::move(next);
        }
        return missing(Section::files, path);
    }

    void add_to_parent(const Path& path) {
        const auto [parent, name] = split(path);
        auto& list = capture_->files[parent].list;
        if (!list || !*list) list = std::vector<std::string>{};
        auto& names = **list;
        if (std::ranges::find(names, name) == names.end()) names.insert(std::ranges::upper_bound(names, name), name);
        auto& status = capture_->files[parent].status;
        if (status && !*status) status = FileStatus{.kind = FileKind::directory};
    }

    void remove_from_parent(const Path& path) {
        const auto [parent, name] = split(path);
        const auto found = capture_->files.find(parent);
        if (found == capture_->files.end() || !found->second.list || !*found->second.list) return;
        std::erase(**found->second.list, name);
    }
};

class RecordedServices final : public Recorded<Services> {
public:
    using Recorded::Recorded;

    Result<Service> find(const std::string& name) const override {
        const auto guard = lock();
        const auto found = capture_->services.find(lower_case(name));
        if (found == capture_->services.end()) return missing(Section::services, "service " + name);
        return found->second;
    }

    Result<std::vector<std::string>> running_dependents(const std::string& name) const override {
        const auto guard = lock();
        const auto found = capture_->dependents.find(lower_case(name));
        if (found != capture_->dependents.end()) return found->second;
        if (capture_->complete.contains(Section::services)) return std::vector<std::string>{};
        return not_captured("dependents of service " + name);
    }

    Result<void> start(const std::string& name, std::chrono::milliseconds) override {
        return change(name, [&](Service& service) -> Result<void> {
            if (service.start == StartType::disabled) {
                return Error::refused("service " + name + " is disabled", 1058);
            }
            service.state = ServiceState::running;
            service.exit_code = 0;
            service.restart_count = 0;
            if (const auto found = capture_->service_effects.find(lower_case(name));
                found != capture_->service_effects.end()) {
                for (const auto& [command, answer] : found->second) {
                    capture_->commands.insert_or_assign(command, answer);
                }
            }
            return {};
        });
    }

    Result<void> stop(const std::string& name, std::chrono::milliseconds) override {
        return change(name, [](Service& service) -> Result<void> {
            service.state = ServiceState::stopped;
            service.pid = 0;
            return {};
        });
    }

    Result<void> restart(const std::string& name, std::chrono::milliseconds timeout) override {
        auto started = start(name, timeout);
        if (started) renew_processes(name);
        return started;
    }

    Result<void> set_start(const std::string& name, StartType start) override {
        return change(name, [&](Service& service) -> Result<void> {
            service.start = start;
            return {};
        });
    }

    Result<void> set_restarts(const std::string& name, bool restarts) override {
        return change(name, [&](Service& service) -> Result<void> {
            // Without our drop-in the service is again what it was.
            const auto before = without_drop_in_.try_emplace(lower_case(name), service.restarts).first->second;
            service.restarts = restarts || before;
            return {};
        });
    }

    Result<void> set_account(const std::string& name, const std::string& account) override {
        return change(name, [&](Service& service) -> Result<void> {
            service.account = account;
            return {};
        });
    }

private:
    template <class Change>
    Result<void> change(const std::string& name, Change apply) {
        const auto guard = lock();
        const auto found = capture_->services.find(lower_case(name));
        if (found == capture_->services.end()) return missing(Section::services, "service " + name);
        if (!found->second) return found->second.error();
        return apply(*found->second);
    }

    /// A restarted service has the same processes as before, with a new start.
    void renew_processes(const std::string& name) {
        const auto guard = lock();
        const auto& service = capture_->services.at(lower_case(name));
        if (!service || service->pid == 0 || !capture_->processes || !*capture_->processes) return;
        std::set<std::uint32_t> renewed{service->pid};
        for (auto& process : **capture_->processes) {  // parents come before their children
            if (!renewed.contains(process.pid) && !renewed.contains(process.parent)) continue;
            renewed.insert(process.pid);
            process.started = capture_->facts.now;
            process.blocked_in.clear();
        }
    }

    std::map<std::string, bool> without_drop_in_;
};

class RecordedRegistry final : public Recorded<Registry> {
public:
    using Recorded::Recorded;

    Result<RegistryValue> value(const std::string& key, const std::string& name) const override {
        const auto guard = lock();
        if (const auto* answers = find(key)) {
            const auto found = answers->values.find(lower_case(name));
            if (found != answers->values.end()) return found->second;
        }
        return missing(Section::registry, key + "\\" + name);
    }

    Result<std::vector<std::string>> subkeys(const std::string& key) const override {
        const auto guard = lock();
        const auto* answers = find(key);
        if (answers && answers->subkeys) return *answers->subkeys;
        if (answers && capture_->complete.contains(Section::registry)) return std::vector<std::string>{};
        return missing(Section::registry, key);
    }

    Result<std::vector<std::string>> value_names(const std::string& key) const override {
        const auto guard = lock();
        const auto* answers = find(key);
        if (answers && answers->value_names) return *answers->value_names;
        if (answers && capture_->complete.contains(Section::registry)) return present_values(*answers);
        return missing(Section::registry, key);
    }

    Result<void> set_value(const std::string& key, const std::string& name, const RegistryValue& value) override {
        const auto guard = lock();
        add_to_parent(key);
        auto& answers = capture_->registry[lower_case(key)];
        answers.values.insert_or_assign(lower_case(name), value);
        add_name(answers.value_names, name);
        if (!answers.subkeys || !*answers.subkeys) answers.subkeys = std::vector<std::string>{};
        return {};
    }

    Result<void> remove_value(const std::string& key, const std::string& name) override {
        const Error not_found = Error::not_found(key + "\\" + name + " does not exist");
        const auto guard = lock();
        const auto found = capture_->registry.find(lower_case(key));
        if (found == capture_->registry.end()) return missing(Section::registry, key);
        auto& answers = found->second;
        const auto value = answers.values.find(lower_case(name));
        if (value == answers.values.end()) return missing(Section::registry, key + "\\" + name);
        if (!value->second) return value->second.error();
        value->second = not_found;
        if (answers.value_names && *answers.value_names) {
            std::erase_if(**answers.value_names,
                          [gone = lower_case(name)](const auto& other) { return lower_case(other) == gone; });
        }
        return {};
    }

    Result<void> remove_key(const std::string& key) override {
        const auto guard = lock();
        if (!find(key)) return missing(Section::registry, key);
        const auto prefix = lower_case(key);
        std::erase_if(capture_->registry, [&](const auto& entry) {
            return entry.first == prefix || entry.first.starts_with(prefix + "\\");
        });
        const Error not_found = Error::not_found(key + " does not exist");
        capture_->registry[prefix] = {{}, not_found, not_found};
        const auto [parent, name] = split(key);
        if (const auto found = capture_->registry.find(lower_case(parent));
            found != capture_->registry.end() && found->second.subkeys && *found->second.subkeys) {
            std::erase_if(**found->second.subkeys,
                          [gone = lower_case(name)](const auto& child) { return lower_case(child) == gone; });
        }
        return {};
    }

private:
    static std::vector<std::string> present_values(const RegistryAnswers& answers) {
        std::vector<std::string> names;
        for (const auto& [name, value] : answers.values) {
            if (value) names.push_back(name);
        }
        return names;
    }

    static void add_name(std::optional<Result<std::vector<std::string>>>& names, const std::string& name) {
        if (!names || !*names) names = std::vector<std::string>{};
        const auto known =
            std::ranges::any_of(**names, [&](const auto& other) { return lower_case(other) == lower_case(name); });
        if (!known) (*names)->push_back(name);
    }

    void add_to_parent(const std::string& key) {
        const auto [parent, name] = split(key);
        if (parent.empty()) return;
        const bool is_new = !find(key);
        if (is_new || find(parent)) add_name(capture_->registry[lower_case(parent)].subkeys, name);
        if (is_new) add_to_parent(parent);
    }

    const RegistryAnswers* find(const std::string& key) const {
        const auto found = capture_->registry.find(lower_case(key));
        return found == capture_->registry.end() ? nullptr : &found->second;
    }
};

class RecordedProcesses final : public Recorded<Processes> {
public:
    using Recorded::Recorded;

    Result<std::vector<Process>> list() const override {
        const auto guard = lock();
        if (capture_->processes) return *capture_->processes;
        if (capture_->complete.contains(Section::processes)) return std::vector<Process>{};
        return not_captured("the list of processes");
    }

    Result<CommandOutput> query(const Command& command) const override { return answer(command); }

    Result<CommandOutput> run(const Command& command) override {
        auto output = answer(command);
        const auto guard = lock();
        if (const auto found = capture_->effects.find(command_key(command)); found != capture_->effects.end()) {
            for (const auto& [other, changed] : found->second) capture_->commands.insert_or_assign(other, changed);
        }
        return output;
    }

    Result<std::vector<Path>> modules(std::uint32_t pid) const override {
        const auto guard = lock();
        if (const auto found = capture_->modules.find(pid); found != capture_->modules.end()) return found->second;
        if (capture_->facts.platform != Platform::windows) return Processes::modules(pid);
        const auto what = fmt::format("process {}", pid);
        if (!find(pid)) return missing(Section::processes, what);
        if (capture_->complete.contains(Section::processes)) return std::vector<Path>{};
        return not_captured("the libraries of " + what);
    }

    /// A service whose process this was is then stopped.
    Result<void> end(std::uint32_t pid, std::chrono::system_clock::time_point started) override {
        const auto guard = lock();
        const auto* process = find(pid);
        if (!process) return missing(Section::processes, fmt::format("process {}", pid));
        if (process->started != started) {
            return Error::refused(fmt::format("process {} is another one by now: {}", pid, process->name));
        }
        std::erase_if(**capture_->processes, [&](const Process& other) { return other.pid == pid; });
        capture_->modules.erase(pid);
        for (auto& [name, service] : capture_->services) {
            if (!service || service->pid != pid) continue;
            service->state = ServiceState::stopped;
            service->pid = 0;
        }
        return {};
    }

private:
    const Process* find(std::uint32_t pid) const {
        if (!capture_->processes || !*capture_->processes) return nullptr;
        const auto found = std::ranges::find(**capture_->processes, pid, &Process::pid);
        return found == (*capture_->processes)->end() ? nullptr : &*found;
    }

    Result<CommandOutput> answer(const Command& command) const {
        const auto guard = lock();
        const auto found = capture_->commands.find(command_key(command));
        if (found == capture_->commands.end()) {
            return missing(Section::commands, fmt::format("the output of {}", fmt::join(command_key(command), " ")));
        }
        return found->second;
    }
};

class RecordedMounts final : public Recorded<Mounts> {
public:
    using Recorded::Recorded;

    Result<std::vector<Mount>> list() const override {
        const auto guard = lock();
        if (!capture_->mounts) return not_captured("the mount table");
        return *capture_->mounts;
    }

    Result<void> remount(const Path& target, const std::string& option) override {
        const auto opposite = opposite_option(option);
        if (opposite.empty()) return Error::unsupported(option + " is not an option of a single mount");
        const auto guard = lock();
        auto* mount = find(target);
        if (!mount) return not_a_mount(target);
        std::erase(mount->options, option);
        std::erase(mount->options, opposite);
        // The kernel shows the others only by the absence of their opposite.
        const bool shown = option == "ro" || option == "rw" || option.starts_with("no");
        if (shown) mount->options.insert(mount->options.begin(), option);
        return {};
    }

    /// Processes that waited for the end of the freeze wait no longer.
    Result<void> thaw(const Path& target) override {
        const auto guard = lock();
        if (!find(target)) return not_a_mount(target);
        if (!capture_->processes || !*capture_->processes) return {};
        for (auto& process : **capture_->processes) {
            const bool waited = process.blocked_in.find("sb_start_write") != std::string::npos ||
                                process.blocked_in.find("percpu_rwsem") != std::string::npos;
            if (waited) process.blocked_in.clear();
        }
        return {};
    }

private:
    /// The last mount on a target hides the others.
    Mount* find(const Path& target) const {
        if (!capture_->mounts || !*capture_->mounts) return nullptr;
        auto& mounts = **capture_->mounts;
        const auto found =
            std::find_if(mounts.rbegin(), mounts.rend(), [&](const Mount& mount) { return mount.target == target; });
        return found == mounts.rend() ? nullptr : &*found;
    }

    static Error not_a_mount(const Path& target) {
        return Error::not_found(target + " is not a mount point in the capture");
    }
};

class RecordedNetwork final : public Recorded<Network> {
public:
    using Recorded::Recorded;

    Result<HttpResponse> get(const HttpRequest& request) const override {
        const auto guard = lock();
        const auto found = capture_->http.find(http_key(request));
        if (found != capture_->http.end()) return found->second;
        if (is_complete()) return Error::timed_out("no answer from " + http_key(request));
        return not_captured("the answer of " + http_key(request));
    }

    Result<std::vector<std::string>> resolve(const std::string& host, std::chrono::milliseconds) const override {
        const auto guard = lock();
        const auto found = capture_->names.find(host);
        if (found == capture_->names.end()) return missing(Section::network, "host " + host);
        return found->second;
    }

    Result<std::string> source_address(const std::string& address) const override {
        const auto guard = lock();
        const auto found = capture_->sources.find(address);
        if (found != capture_->sources.end()) return found->second;
        if (is_complete()) return std::string(usual_address);
        return not_captured("the route to " + address);
    }

    Result<std::vector<NetworkInterface>> interfaces() const override {
        const auto guard = lock();
        if (capture_->interfaces) return *capture_->interfaces;
        if (!is_complete()) return not_captured("the list of network interfaces");
        return std::vector<NetworkInterface>{{"lo", "", true, {"127.0.0.1"}},
                                             {"eth0", "00:0d:3a:00:00:04", true, {usual_address}}};
    }

private:
    static constexpr const char* usual_address = "10.0.0.4";

    bool is_complete() const { return capture_->complete.contains(Section::network); }
};

class RecordedEventLog final : public Recorded<EventLog> {
public:
    using Recorded::Recorded;

    Result<std::vector<Event>> read(const EventQuery& query) const override {
        const auto guard = lock();
        const auto& queries = capture_->event_queries;
        auto asked = queries.find(event_query_key(query));
        if (asked == queries.end()) asked = queries.find(lower_case(query.channel));
        if (asked != queries.end() && !asked->second) return asked->second.error();
        if (asked == queries.end() && !capture_->complete.contains(Section::events)) {
            return capture_->facts.platform == Platform::windows
                       ? not_captured("the answer to event query " + event_query_key(query))
                       : EventLog::read(query);
        }
        std::vector<Event> events;
        for (const auto& event : capture_->events) {
            if (matches(query, event, capture_->facts.now)) events.push_back(event);
        }
        std::ranges::stable_sort(events, std::greater(), &Event::time);
        if (events.size() > query.limit) events.resize(query.limit);
        return events;
    }
};

/// A serialized certificate is the capture's record of it, so that it can be put back.
class RecordedCertificates final : public Recorded<CertificateStore> {
    template <class List>
    static auto find(List& certificates, const std::string& thumbprint) {
        return std::ranges::find_if(certificates, [wanted = lower_case(thumbprint)](const auto& certificate) {
            return lower_case(certificate.thumbprint) == wanted;
        });
    }

public:
    using Recorded::Recorded;

    Result<std::vector<StoredCertificate>> list(const std::string& store) const override {
        const auto guard = lock();
        const auto found = capture_->certificates.find(lower_case(store));
        if (found == capture_->certificates.end()) return absent(store);
        auto certificates = found->second;
        if (certificates) std::ranges::sort(*certificates, {}, &StoredCertificate::thumbprint);
        return certificates;
    }

    Result<std::string> serialized(const std::string& store, const std::string& thumbprint) const override {
        const auto certificates = list(store);
        if (!certificates) return certificates.error();
        const auto found = find(*certificates, thumbprint);
        if (found == certificates->end()) return not_found(store, thumbprint);
        return certificate_text(*found);
    }

    Result<void> add(const std::string& store, const std::string& serialized) override {
        const auto certificate = certificate_from_text(serialized);
        if (!certificate) return certificate.error();
        const auto guard = lock();
        auto& certificates =
            capture_->certificates.try_emplace(lower_case(store), std::vector<StoredCertificate>{}).first->second;
        if (!certificates) return certificates.error();
        std::erase_if(*certificates, [&](const auto& other) { return other.thumbprint == certificate->thumbprint; });
        certificates->push_back(*certificate);
        return {};
    }

    Result<void> remove(const std::string& store, const std::string& thumbprint) override {
        const auto guard = lock();
        const auto certificates = capture_->certificates.find(lower_case(store));
        if (certificates == capture_->certificates.end()) {
            const auto none = absent(store);
            return none ? not_found(store, thumbprint) : none.error();
        }
        if (!certificates->second) return certificates->second.error();
        const auto found = find(*certificates->second, thumbprint);
        if (found == certificates->second->end()) return not_found(store, thumbprint);
        certificates->second->erase(found);
        return {};
    }

private:
    Result<std::vector<StoredCertificate>> absent(const std::string& store) const {
        if (capture_->complete.contains(Section::certificates)) return std::vector<StoredCertificate>{};
        if (capture_->facts.platform != Platform::windows) return CertificateStore::list(store);
        return not_captured("certificate store " + store);
    }

    static Error not_found(const std::string& store, const std::string& thumbprint) {
        return Error::not_found("no certificate " + thumbprint + " in certificate store " + store);
    }
};

class RecordedWmi final : public Recorded<Wmi> {
public:
    using Recorded::Recorded;

    Result<std::vector<WmiObject>> query(const std::string& name_space, const std::string& wql) const override {
        const auto guard = lock();
        const auto found = capture_->wmi.find(wmi_key(name_space, wql));
        if (found != capture_->wmi.end()) return found->second;
        if (capture_->complete.contains(Section::wmi)) return std::vector<WmiObject>{};
        if (capture_->facts.platform != Platform::windows) return Wmi::query(name_space, wql);
        return not_captured("the answer of " + name_space + " to " + wql);
    }
};

class RecordedAzure final : public Recorded<Azure> {
public:
    using Recorded::Recorded;

    Result<AzureAccess> access() const override {
        const auto guard = lock();
        return capture_->azure_access ? *capture_->azure_access : Azure::access();
    }

    Result<ArmAnswer> ask(const ArmQuestion& question) const override {
        const auto guard = lock();
        if (!capture_->azure_access) return Azure::ask(question);
        if (!*capture_->azure_access) return capture_->azure_access->error();
        const auto found = capture_->arm.find(arm_key(question));
        if (found != capture_->arm.end()) return found->second;
        if (!capture_->complete.contains(Section::azure)) return not_captured("Azure's answer to " + arm_key(question));
        return ArmAnswer{.status = 404, .code = "ResourceNotFound", .message = question.path + " was not found."};
    }
};

}  // namespace

namespace {

Machine machine_with(const std::shared_ptr<Capture>& capture, bool time_passes) {
    return Machine({.facts = capture->facts,
                    .files = std::make_unique<RecordedFiles>(capture),
                    .services = std::make_unique<RecordedServices>(capture),
                    .registry = std::make_unique<RecordedRegistry>(capture),
                    .processes = std::make_unique<RecordedProcesses>(capture),
                    .mounts = std::make_unique<RecordedMounts>(capture),
                    .network = std::make_unique<RecordedNetwork>(capture),
                    .events = std::make_unique<RecordedEventLog>(capture),
                    .certificates = std::make_unique<RecordedCertificates>(capture),
                    .wmi = std::make_unique<RecordedWmi>(capture),
                    .azure = std::make_unique<RecordedAzure>(capture),
                    .time_passes = time_passes});
}

}  // namespace

Machine machine_of(const std::shared_ptr<Capture>& capture) {
    return machine_with(capture, false);
}

/// What is asked about it all the same, through Azure, is a live one: its time passes.
Machine unrecorded(const SystemFacts& facts) {
    auto capture = std::make_shared<Capture>();
    capture->facts = facts;
    return machine_with(capture, true);
}

}  // namespace machine::recorded
