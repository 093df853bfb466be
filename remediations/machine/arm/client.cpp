#include "remediations/machine/arm/client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/json.hpp>
#include <charconv>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <semaphore>

#include "remediations/machine/arm/arm_change.hpp"
#include "remediations/machine/arm/reduced.hpp"
#include "remediations/machine/arm/versions.hpp"
#include "remediations/machine/http_probe.hpp"

namespace machine::arm {

namespace json = boost::json;
using local::HttpsRequest;
using local::HttpsResponse;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t answer_limit = std::size_t{16} << 20U;
constexpr std::size_t most_pages = 200;
constexpr std::size_t most_elements = 20000;
constexpr std::ptrdiff_t most_at_once = 4;
/// Of a list that is not kept.
constexpr std::size_t most_streamed_pages = 5000;
/// The pauses before the second and the third try of one question.
constexpr std::array pauses_after_failure = {1s, 4s};
constexpr auto pause_when_throttled = 10s;
constexpr auto pause_of_operation = 15s;
/// Azure counts what an identity reads of a subscription, and says with each answer what is left.
/// https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
constexpr long few_reads = 50;
constexpr auto pause_when_few_are_left = 1s;

/// https://learn.microsoft.com/azure/active-directory/managed-identities-azure-resources, and azure-cli's cloud.py.
struct Cloud {
    std::string_view name;
    std::string_view host;
};
constexpr Cloud clouds[] = {{"AzurePublicCloud", "management.azure.com"},
                            {"AzureUSGovernmentCloud", "management.usgovcloudapi.net"},
                            {"AzureChinaCloud", "management.chinacloudapi.cn"}};

/// Actions that use POST and only read.
constexpr std::string_view reading_actions[] = {"/backupStatus", "/backupPreValidateProtection",
                                                "/checkPolicyRestrictions", "/effectiveRouteTable",
                                                "/effectiveNetworkSecurityGroups"};

/// Before a change is asked for once more that Azure refused because another one is at work.
constexpr std::array<std::chrono::seconds, 3> pauses_after_conflict = {30s, 120s, 300s};

/// Another operation is at work: nothing was begun, or it was broken off for that one.
bool is_conflict(const ArmAnswer& refusal) {
    constexpr std::string_view codes[] = {"Conflict", "AnotherOperationInProgress", "OperationPreempted",
                                          "BMSUserErrorObjectLocked", "RetryableError"};
    return refusal.status == 409 && std::ranges::find(codes, refusal.code) != std::end(codes);
}

bool is_clean_path(std::string_view path) {
    const bool has_control =
        std::ranges::any_of(path, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; });
    return path.starts_with('/') && !path.starts_with("//") && !has_control && path.find("/../") == path.npos &&
           !path.ends_with("/..") && path.find('\\') == path.npos;
}

/// Encodes what has a meaning of its own in a URL, because ids come from Azure's answers.
std::string encoded_path(std::string_view path) {
    constexpr std::string_view plain = "-._~/:@!$'()*+,;=";
    std::string encoded;
    for (const char c : path) {
        const bool is_plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || plain.find(c) != plain.npos;
        encoded += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return encoded;
}

std::string encoded_value(std::string_view value) {
    constexpr std::string_view plain = "-._~$";
    std::string encoded;
    for (const char c : value) {
        const bool is_plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || plain.find(c) != plain.npos;
        encoded += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return encoded;
}

std::string target_of(const ArmQuestion& question, std::string_view version) {
    auto target = fmt::format("{}?api-version={}", encoded_path(question.path), version);
    for (const auto& [name, value] : question.query) {
        target += fmt::format("&{}={}", encoded_value(name), encoded_value(value));
    }
    return target;
}

/// Returns a random number, which the service's logs show too.
std::string request_id() {
    std::random_device source;
    std::string digits;
    while (digits.size() < 32) digits += fmt::format("{:08x}", source());
    return fmt::format("{}-{}-4{}-8{}-{}", digits.substr(0, 8), digits.substr(8, 4), digits.substr(13, 3),
                       digits.substr(17, 3), digits.substr(20, 12));
}

std::chrono::seconds retry_after(const HttpsResponse& response, std::chrono::seconds otherwise) {
    const auto text = response.header("retry-after");
    long seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    const bool is_number = error == std::errc() && end == text.data() + text.size() && seconds >= 0;
    return is_number ? std::chrono::seconds(std::min(seconds, 1000000L)) : otherwise;
}

const json::value* member(const json::value& parent, std::string_view name) {
    const auto* object = parent.if_object();
    return object ? object->if_contains(name) : nullptr;
}

std::string text(const json::value* value) {
    const auto* string = value ? value->if_string() : nullptr;
    return string ? std::string(*string) : std::string();
}

Result<json::value> document_in(const HttpsResponse& response, const std::string& path) {
    if (response.body.empty()) return json::value(nullptr);
    boost::system::error_code error;
    auto document = json::parse(response.body, error);
    if (error) {
        return Error::invalid(fmt::format("Azure's answer about {} is no JSON: {}", path, error.message()));
    }
    return document;
}

/// Reads {"error": {"code", "message"}}, or both members without "error", as Compute writes them when it throttles.
ArmAnswer refusal_in(const HttpsResponse& response) {
    ArmAnswer answer;
    answer.status = response.status;
    answer.correlation_id = response.header("x-ms-correlation-request-id");
    boost::system::error_code failed;
    const auto document = json::parse(response.body, failed);
    if (failed) return answer;
    const auto* inner = member(document, "error");
    const auto& error = inner && inner->is_object() ? *inner : document;
    constexpr std::size_t longest_message = 2000;
    answer.code = text(member(error, "code")).substr(0, 200);
    answer.message = text(member(error, "message")).substr(0, longest_message);
    return answer;
}

/// The target of a request.
struct Place {
    std::string host;
    std::string target;
};

bool is_refused_version(const HttpsResponse& response) {
    if (response.status != 400 && response.status != 404) return false;
    const auto code = refusal_in(response).code;
    constexpr std::string_view codes[] = {"NoRegisteredProviderFound", "InvalidApiVersionParameter",
                                          "InvalidResourceType", "UnsupportedApiVersion"};
    return std::ranges::find(codes, code) != std::end(codes);
}

class ArmAzure final : public Azure {
public:
    ArmAzure(ClientOptions options, Transport transport)
        : options_(std::move(options)), transport_(std::move(transport)), places_(most_at_once) {}

    Result<AzureAccess> access() const override {
        const std::scoped_lock lock(access_mutex_);
        if (!access_) access_ = find_access();
        return *access_;
    }

    Result<ArmAnswer> ask(const ArmQuestion& question) const override {
        if (!is_clean_path(question.path) || !only_reads(question)) {
            return Error::invalid(fmt::format("{} {} is no question that only reads", question.method, question.path));
        }
        if (const auto found = access(); !found) return found.error();
        const auto key = key_of(question);
        {
            const std::scoped_lock lock(mutex_);
            if (const auto known = answers_.find(key); known != answers_.end()) return known->second;
            if (!deadline_) deadline_ = transport_.waiting.now() + options_.time;
        }
        auto answer =
            in_a_place([&] { return question.is_list ? list_of(question) : answer_to(question, most_pages, {}); });
        if (!options_.keeps(question)) return answer;
        const std::scoped_lock lock(mutex_);
        return answers_.insert_or_assign(key, std::move(answer)).first->second;
    }

    Result<ArmAnswer> ask_in_pages(const ArmQuestion& question,
                                   const std::function<void(const json::array& page)>& take) const override {
        if (!is_clean_path(question.path) || !only_reads(question) || !question.is_list) {
            return Error::invalid(fmt::format("{} is no list that can be read", question.path));
        }
        if (const auto found = access(); !found) return found.error();
        {
            const std::scoped_lock lock(mutex_);
            if (!deadline_) deadline_ = transport_.waiting.now() + options_.time;
        }
        return in_a_place([&] {
            return answer_to(question, most_streamed_pages, [&](const json::array& page) {
                take(page);
                return true;
            });
        });
    }

    std::chrono::milliseconds silence_wanted() const override {
        const std::scoped_lock lock(mutex_);
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(silent_until_ - transport_.waiting.now());
        return std::max<std::chrono::milliseconds>(left, 0ms);
    }

    void look_anew() override {
        {
            // A network that is not up yet, after a start of the VM, comes.
            const std::scoped_lock lock(access_mutex_);
            if (access_ && !*access_) access_.reset();
        }
        const std::scoped_lock lock(mutex_);
        answers_.clear();
        deadline_.reset();
        retries_ = 0;
    }

    Result<ArmAnswer> change(const ArmQuestion& request) override {
        const auto found = access();
        if (!found) return found.error();
        const auto kind = is_clean_path(request.path) ? change_in(request, found->vm_id) : std::nullopt;
        if (!kind) {
            return Error::invalid(
                fmt::format("{} {} is no change that this program makes", request.method, request.path));
        }
        if (needs_person(*kind) && found->is_of_vm) {
            return Error::refused(
                "everybody in the VM has the VM's managed identity, so only a person's token may do this");
        }
        look_anew();
        {
            const std::scoped_lock lock(mutex_);
            deadline_ = transport_.waiting.now() + longest(*kind);
        }
        auto answer = changed(request);
        for (const auto pause : pauses_after_conflict) {
            // A second start could start a second backup.
            if (*kind == ArmChange::start_backup || !answer || !is_conflict(*answer) || !wait(pause)) break;
            answer = changed(request);
        }
        look_anew();
        return answer;
    }

private:
    /// Gets page after page; false where it wants no further one.
    using TakePage = std::function<bool(json::array page)>;

    using Places = std::counting_semaphore<most_at_once>;
    /// Asks when one of the places for questions side by side is free.
    template <class Ask>
    Result<ArmAnswer> in_a_place(const Ask& ask_now) const {
        places_.acquire();
        const std::unique_ptr<Places, void (*)(Places*)> place(&places_, [](Places* places) { places->release(); });
        return ask_now();
    }

    Result<AzureAccess> find_access() const {
        AzureAccess found;
        found.is_of_vm = options_.token.empty();
        found.identity = found.is_of_vm ? "the VM's managed identity" : "a person's token";
        found.vm_id = options_.vm_id;
        found.cloud = options_.cloud;
        found.vault_id = options_.vault_id;
        if (found.vm_id.empty() && !options_.is_of_vault) {
            auto vm = hosted_vm(transport_.http, transport_.waiting);
            if (!vm) return vm.error();
            found.vm_id = std::move(vm->resource_id);
            found.location = std::move(vm->location);
            if (found.cloud.empty()) found.cloud = std::move(vm->cloud);
        }
        if (found.cloud.empty()) found.cloud = clouds[0].name;
        const auto* const cloud =
            std::ranges::find_if(clouds, [&](const auto& each) { return boost::iequals(each.name, found.cloud); });
        if (cloud == std::end(clouds)) {
            return Error::invalid(
                fmt::format("the Resource Manager of the cloud {} is not known to this program", found.cloud));
        }
        host_ = cloud->host;
        if (found.is_of_vm) {
            if (const auto fetched = fetch_token(); !fetched) return fetched.error();
        }
        return found;
    }

    Result<void> fetch_token() const {
        auto token =
            token_of_vm(fmt::format("https://{}/", host_), options_.client_id, transport_.http, transport_.waiting);
        if (!token) return token.error();
        const std::scoped_lock lock(token_mutex_);
        token_ = std::move(*token);
        return {};
    }

    /// Returns "Bearer ..."; the caller must wipe it.
    Result<Secret> authorization() const {
        if (!options_.token.empty()) return Secret("Bearer " + options_.token.text());
        const auto is_good = [&] {
            const std::scoped_lock lock(token_mutex_);
            return transport_.waiting.now() < token_.good_until;
        };
        if (!is_good()) {
            if (const auto fetched = fetch_token(); !fetched) return fetched.error();
        }
        const std::scoped_lock lock(token_mutex_);
        return Secret("Bearer " + token_.secret.text());
    }

    std::chrono::milliseconds time_left() const {
        const std::scoped_lock lock(mutex_);
        const auto left = *deadline_ - transport_.waiting.now();
        return std::chrono::duration_cast<std::chrono::milliseconds>(left);
    }

    /// Waits and returns true. Returns false at once where no retry or not enough time is left.
    bool may_retry_after(std::chrono::milliseconds time) const {
        {
            const std::scoped_lock lock(mutex_);
            if (time > options_.longest_pause || retries_ >= options_.retries) return false;
            ++retries_;
        }
        return wait(time);
    }

    bool wait(std::chrono::milliseconds time) const {
        if (time >= time_left()) return false;
        transport_.waiting.wait(time);
        return true;
    }

    Error time_is_over() const {
        return Error::timed_out(fmt::format("{} has not answered within the time that there is for it", host_));
    }

    Error wants_silence() const {
        const std::scoped_lock lock(mutex_);
        return Error::timed_out(
            fmt::format("{} is asked too often and wants {} s of silence (HTTP 429)", host_, silence_told_.count()),
            429);
    }

    void note_silence(std::chrono::seconds pause) const {
        const std::scoped_lock lock(mutex_);
        silence_told_ = pause;
        silent_until_ = std::max(silent_until_, transport_.waiting.now() + pause);
    }

    /// Waits while Azure wants silence, whoever it said it to, and for a moment where few reads are left. False where
    /// that takes too long.
    bool may_send() const {
        if (const auto silence = silence_wanted(); silence > 0ms) {
            return silence <= options_.longest_pause && wait(silence);
        }
        const bool is_slow = [&] {
            const std::scoped_lock lock(mutex_);
            return reads_left_ < few_reads;
        }();
        if (is_slow) wait(pause_when_few_are_left);
        return true;
    }

    void note_reads_left(const HttpsResponse& response) const {
        const auto text = response.header("x-ms-ratelimit-remaining-subscription-reads");
        if (text.empty()) return;  // a change's answer counts no reads
        long left = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), left);
        const std::scoped_lock lock(mutex_);
        reads_left_ = error == std::errc() && end == text.data() + text.size() ? left : few_reads;
    }

    Result<HttpsResponse> send_once(const std::string& method, const Place& place, const std::string& body) const {
        const auto left = time_left();
        if (left <= 0ms) return time_is_over();
        auto bearer = authorization();
        if (!bearer) return bearer.error();
        HttpsRequest request;
        request.method = method;
        request.host = place.host;
        request.target = place.target;
        request.body = body;
        request.timeout = std::min<std::chrono::milliseconds>(left, 10s);
        request.body_limit = answer_limit;
        request.proxy = options_.proxy;
        request.headers = {{"Accept", "application/json"},
                           {"Accept-Language", "en-US"},
                           {"User-Agent", "backup-remediation/" BACKUP_REMEDIATION_VERSION},
                           {"x-ms-client-request-id", request_id()}};
        if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
        request.headers.emplace_back("Authorization", bearer->text());
        auto response = transport_.https(request);
        Secret::wipe(request.headers.back().second);
        if (response) note_reads_left(*response);
        return response;
    }

    /// Sends a request and retries where a later try may succeed. A refusal is an answer. ErrorKind::timed_out where
    /// Azure asks to wait longer than the look lasts.
    Result<HttpsResponse> send(const std::string& method, const Place& place, const std::string& body) const {
        bool has_new_token = false;
        for (std::size_t failures = 0;;) {
            if (!may_send()) return wants_silence();
            auto response = send_once(method, place, body);
            if (response && response->status == 401) {
                if (!has_new_token && options_.token.empty()) {
                    has_new_token = true;
                    if (const auto fetched = fetch_token(); !fetched) return fetched.error();
                    continue;
                }
                const auto refusal = refusal_in(*response);
                return Error::access_denied(fmt::format("{} refuses the token ({}); its clock says {}", host_,
                                                        refusal.code.empty() ? "HTTP 401" : refusal.code,
                                                        response->date.empty() ? "nothing" : response->date),
                                            401);
            }
            const bool is_throttled = response && response->status == 429;
            const bool has_failed = response ? response->status >= 500 : response.error().kind != ErrorKind::too_large;
            if (!is_throttled && !has_failed) return response;
            if (!is_throttled && ++failures > pauses_after_failure.size()) return response;
            const std::chrono::seconds usual =
                is_throttled ? std::chrono::seconds(pause_when_throttled) : pauses_after_failure[failures - 1];
            const auto pause = response ? retry_after(*response, usual) : usual;
            if (is_throttled) note_silence(pause);
            if (may_retry_after(pause)) continue;
            if (!is_throttled) return response;
            return wants_silence();
        }
    }

    /// Returns the target of an absolute URL in an answer. It must be the cloud's own host or below it, because no
    /// other host may get the token.
    Result<Place> place_of(const std::string& url) const {
        constexpr std::string_view scheme = "https://";
        const auto end = url.find_first_of("/?#", scheme.size());
        auto host = url.substr(0, end).substr(std::min(scheme.size(), url.size()));
        if (host.ends_with(":443")) host.resize(host.size() - 4);
        const bool is_own = boost::iequals(host, host_) || boost::iends_with(host, "." + host_);
        const bool is_name = std::ranges::all_of(host, [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
        });
        const bool is_clean =
            std::ranges::all_of(url, [](char c) { return static_cast<unsigned char>(c) > ' ' && c != 127; });
        const bool has_path = end != std::string::npos && url[end] == '/';
        if (boost::istarts_with(url, scheme) && is_own && is_name && is_clean && has_path) {
            return Place{host, url.substr(end)};
        }
        return Error::invalid(fmt::format("Azure's answer leads to the host \"{}\", which gets no token: only {} does",
                                          host.substr(0, 100), host_));
    }

    Result<HttpsResponse> get_at(const std::string& url) const {
        const auto place = place_of(url);
        if (!place) return place.error();
        return send("GET", *place, {});
    }

    /// Follows an accepted request (HTTP 202) to its end and returns the last answer; one that failed gets the status
    /// 409. https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations
    Result<HttpsResponse> follow(HttpsResponse response, const std::string& path, bool wants_result) const {
        auto operation = response.header("azure-asyncoperation");
        auto location = response.header("location");
        while (!operation.empty() || !location.empty()) {
            if (!wait(retry_after(response, pause_of_operation))) return time_is_over();
            auto next = get_at(operation.empty() ? location : operation);
            if (!next) return next;
            response = std::move(*next);
            if (response.status >= 400) return response;
            if (const auto newer = response.header("azure-asyncoperation"); !operation.empty() && !newer.empty()) {
                operation = newer;
            }
            if (const auto newer = response.header("location"); !newer.empty()) location = newer;
            const auto document = document_in(response, path);
            if (!document) return document.error();
            const auto word = text(member(*document, "status"));
            if (word == "Failed" || word == "Canceled") {
                response.status = 409;
                return response;
            }
            if (operation.empty() && response.status == 202) continue;
            if (operation.empty()) return response;
            if (word != "Succeeded") continue;  // any other word means: it runs
            // The result is at the other address, unless the operation itself contains it.
            const bool is_told = location.empty() || !wants_result || member(*document, "properties");
            return is_told ? response : get_at(location);
        }
        return response;
    }

    std::string version_of(const ResourceType& type) const {
        const std::scoped_lock lock(mutex_);
        const auto known = versions_.find(boost::algorithm::to_lower_copy(type.provider + "/" + type.type));
        return known == versions_.end() ? std::string(version_for(type).first) : known->second;
    }

    /// Returns the version that the cloud offers instead of one that it does not know.
    Result<std::string> negotiate(const ResourceType& type, const std::string& path) const {
        const auto segments = path.find('/', std::string_view("/subscriptions/").size());
        const auto target = fmt::format("{}/providers/{}?api-version={}", encoded_path(path.substr(0, segments)),
                                        encoded_path(type.provider), version_for({type.provider, {}}).first);
        const auto response = send("GET", {host_, target}, {});
        if (!response) return response.error();
        const auto document = document_in(*response, type.provider);
        if (!document) return document.error();
        const auto first = type.type.substr(0, type.type.find('/'));
        std::vector<std::string> of_type;
        std::vector<std::string> of_parent;
        const auto* types = member(*document, "resourceTypes");
        if (types && types->is_array()) {
            for (const auto& each : types->get_array()) {
                const auto name = text(member(each, "resourceType"));
                const auto* versions = member(each, "apiVersions");
                if (!versions || !versions->is_array()) continue;
                for (const auto& version : versions->get_array()) {
                    if (boost::iequals(name, type.type)) of_type.push_back(text(&version));
                    if (boost::iequals(name, first)) of_parent.push_back(text(&version));
                }
            }
        }
        auto version = newest_version(of_type.empty() ? of_parent : of_type, version_for(type).oldest);
        if (version.empty()) {
            return Error::unsupported(fmt::format("{} offers no version of {}/{} that is {} or newer", host_,
                                                  type.provider, type.type, version_for(type).oldest));
        }
        const std::scoped_lock lock(mutex_);
        versions_[boost::algorithm::to_lower_copy(type.provider + "/" + type.type)] = version;
        return version;
    }

    /// Sends a change once; a second time only where Azure surely did nothing: the token was over (401), or Azure wants
    /// silence (429).
    Result<HttpsResponse> send_change(const ArmQuestion& request, const std::string& version) const {
        const Place place{host_, target_of(request, version)};
        if (!may_send()) return wants_silence();
        auto response = send_once(request.method, place, request.body);
        if (response && response->status == 401 && options_.token.empty()) {
            if (const auto fetched = fetch_token(); !fetched) return fetched.error();
            return send_once(request.method, place, request.body);
        }
        if (response && response->status == 429) {
            note_silence(retry_after(*response, std::chrono::seconds(pause_when_throttled)));
            if (!may_send()) return wants_silence();
            return send_once(request.method, place, request.body);
        }
        return response;
    }

    /// Sends a change, and follows it to its end.
    Result<ArmAnswer> changed(const ArmQuestion& request) const {
        const auto type = type_of(request.path);
        auto response = send_change(request, version_of(type));
        if (response && is_refused_version(*response)) {
            const auto version = negotiate(type, request.path);
            if (!version) return version.error();
            response = send_change(request, *version);
        }
        const bool is_accepted =
            response && (response->status == 202 || response->status == 201 ||
                         (response->status == 200 && !response->header("azure-asyncoperation").empty()));
        if (is_accepted) response = follow(std::move(*response), request.path, !request.members.empty());
        if (!response) return response.error();
        if (response->status >= 400) return refusal_in(*response);
        const auto document = document_in(*response, request.path);
        if (!document) return document.error();
        return ArmAnswer{.status = response->status, .body = reduced(*document, request.members)};
    }

    Result<ArmAnswer> list_of(const ArmQuestion& question) const {
        json::array elements;
        bool is_endless = false;
        auto answer = answer_to(question, most_pages, [&](json::array page) {
            for (auto& element : page) elements.push_back(std::move(element));
            is_endless = elements.size() > most_elements;
            return !is_endless;
        });
        if (is_endless) return is_without_end(question);
        if (answer && !answer->is_refusal()) answer->body = std::move(elements);
        return answer;
    }

    static Error is_without_end(const ArmQuestion& question) {
        return Error::too_large(fmt::format("the list {} does not come to an end", question.path));
    }

    Result<ArmAnswer> answer_to(const ArmQuestion& question, std::size_t pages, const TakePage& take) const {
        const auto type = type_of(question.path);
        auto response = send(question.method, {host_, target_of(question, version_of(type))}, question.body);
        if (response && is_refused_version(*response)) {
            const auto version = negotiate(type, question.path);
            if (!version) return version.error();
            response = send(question.method, {host_, target_of(question, *version)}, question.body);
        }
        if (response && response->status == 202) response = follow(std::move(*response), question.path, true);
        if (!response) return response.error();
        if (response->status >= 400) return refusal_in(*response);
        auto document = document_in(*response, question.path);
        if (!document) return document.error();
        if (!question.is_list) {
            return ArmAnswer{.status = response->status, .body = reduced(*document, question.members)};
        }
        return hand_over(std::move(*document), question, pages, take);
    }

    /// That page and all that follow it, one after another.
    Result<ArmAnswer> hand_over(json::value page, const ArmQuestion& question, std::size_t pages,
                                const TakePage& take) const {
        for (std::size_t taken = 1;; ++taken) {
            const auto* values = member(page, "value");
            if (!values || !values->is_array()) {
                return Error::invalid(
                    fmt::format("Azure's answer about {}: a list \"value\" was expected", question.path));
            }
            json::array elements;
            for (const auto& element : values->get_array()) elements.push_back(reduced(element, question.members));
            const auto next = text(member(page, "nextLink"));
            if (!take(std::move(elements)) || next.empty()) return ArmAnswer{.status = 200};
            if (taken == pages) return is_without_end(question);
            auto response = get_at(next);
            if (!response) return response.error();
            if (response->status >= 400) return refusal_in(*response);
            auto document = document_in(*response, question.path);
            if (!document) return document.error();
            page = std::move(*document);
        }
    }

    const ClientOptions options_;
    const Transport transport_;
    mutable Places places_;

    mutable std::mutex access_mutex_;
    mutable std::optional<Result<AzureAccess>> access_;
    mutable std::string host_;  ///< set by each find_access that succeeds

    mutable std::mutex token_mutex_;
    mutable Token token_;

    mutable std::mutex mutex_;
    mutable std::map<std::string, Result<ArmAnswer>> answers_;
    mutable std::map<std::string, std::string> versions_;  ///< negotiated, by lower-case type
    mutable std::optional<std::chrono::steady_clock::time_point> deadline_;
    mutable unsigned retries_ = 0;
    mutable std::chrono::steady_clock::time_point silent_until_;
    mutable std::chrono::seconds silence_told_{0};
    mutable long reads_left_ = few_reads;
};

}  // namespace

Transport local_transport() {
    return {.https = [](const HttpsRequest& request) { return local::https(request); },
            .http =
                [](const HttpRequest& request) {
                    // The service has an address and no name.
                    return http_get(request, [](const std::string& host, auto) -> Result<std::vector<std::string>> {
                        return Error::not_found(host + " is no address");
                    });
                }};
}

std::unique_ptr<Azure> make_azure(ClientOptions options, Transport transport) {
    return std::make_unique<ArmAzure>(std::move(options), std::move(transport));
}

std::vector<std::string> known_clouds() {
    std::vector<std::string> names;
    for (const auto& cloud : clouds) names.emplace_back(cloud.name);
    return names;
}

bool only_reads(const ArmQuestion& question) {
    if (question.method == "GET") return question.body.empty();
    const auto path = std::string_view(question.path);
    return question.method == "POST" &&
           std::ranges::any_of(reading_actions, [&](auto action) { return boost::iends_with(path, action); });
}

}  // namespace machine::arm
