#include "remediations/machine/arm/identity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <optional>
#include <thread>

namespace machine::arm {

namespace json = boost::json;
using namespace std::chrono_literals;

namespace {

constexpr auto metadata_host = "169.254.169.254";
constexpr auto metadata_name = "the instance metadata service 169.254.169.254";

/// The pause before each try. The documentation asks for five tries; an update of the service, which answers 410, takes
/// up to 70 s.
constexpr std::array pauses = {0s, 2s, 4s, 8s, 16s, 20s, 22s};
constexpr std::size_t tries_without_update = 5;
/// A VM's metadata service answers at once.
constexpr std::size_t tries_of_silence = 2;
/// A token that expires sooner is requested again.
constexpr auto margin = 60s;

/// Keeps the unreserved characters of RFC 3986.
std::string percent_encoded(std::string_view text) {
    std::string encoded;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '_' || c == '.' || c == '~';
        encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return encoded;
}

bool comes_later(unsigned status) {
    return status == 404 || status == 410 || status == 429 || status >= 500;
}

/// Retries as often as the documentation says.
Result<HttpResponse> ask_metadata(const std::string& path, const AskHttp& http, const Waiting& waiting) {
    std::optional<Result<HttpResponse>> last;
    std::size_t silent = 0;
    for (std::size_t index = 0; index < pauses.size(); ++index) {
        const bool is_updated = last && *last && (*last)->status == 410;
        if (index >= tries_without_update && !is_updated) break;
        if (pauses[index] > 0s) waiting.wait(pauses[index]);
        HttpRequest request;
        request.host = metadata_host;
        request.path = path;
        request.headers = {{"Metadata", "true"}};
        request.timeout = index == 0 ? 1s : 3s;
        last = http(request);
        if (*last && !comes_later((*last)->status)) return *last;
        if (!*last && ++silent == tries_of_silence) break;
    }
    return *last;
}

/// The service writes numbers as text.
std::optional<std::int64_t> number_in(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    if (!value) return std::nullopt;
    if (value->is_int64()) return value->get_int64();
    const auto* text = value->if_string();
    if (!text) return std::nullopt;
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    return error == std::errc() && end == text->data() + text->size() ? std::optional(number) : std::nullopt;
}

std::string text_in(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    const auto* text = value ? value->if_string() : nullptr;
    return text ? std::string(*text) : std::string();
}

Result<json::object> object_in(const std::string& body, const char* what) {
    boost::system::error_code error;
    auto parsed = json::parse(body, error);
    if (error || !parsed.is_object()) {
        return Error::invalid(fmt::format("{} of {} is no JSON object", what, metadata_name));
    }
    return std::move(parsed.get_object());
}

}  // namespace

void Waiting::wait(std::chrono::milliseconds time) const {
    if (sleep) return sleep(time);
    std::this_thread::sleep_for(time);
}

void Secret::wipe(std::string& text) noexcept {
    // Through a volatile pointer, so that the compiler leaves it in.
    volatile char* place = text.data();
    for (std::size_t index = 0; index < text.size(); ++index) place[index] = 0;
    text.clear();
}

Secret& Secret::operator=(Secret&& other) noexcept {
    if (this == &other) return *this;
    wipe();
    text_ = other.text_;
    other.wipe();
    return *this;
}

Result<HostedVm> hosted_vm(const AskHttp& http, const Waiting& waiting) {
    const auto answer = ask_metadata("/metadata/instance/compute?api-version=2021-02-01", http, waiting);
    if (!answer) return answer.error();
    if (answer->status != 200) {
        return Error::invalid(fmt::format("{} answered HTTP {}, HTTP 200 was expected", metadata_name, answer->status),
                              static_cast<long>(answer->status));
    }
    const auto compute = object_in(answer->body, "the description of the VM");
    if (!compute) return compute.error();
    HostedVm vm{text_in(*compute, "resourceId"), text_in(*compute, "location"), text_in(*compute, "azEnvironment")};
    if (vm.resource_id.empty()) {
        return Error::invalid(fmt::format("{} tells no resource id of the VM", metadata_name));
    }
    return vm;
}

Result<Token> token_of_vm(const std::string& audience, const std::string& client_id, const AskHttp& http,
                          const Waiting& waiting) {
    auto path = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=" + percent_encoded(audience);
    if (!client_id.empty()) path += "&client_id=" + percent_encoded(client_id);
    auto answer = ask_metadata(path, http, waiting);
    if (!answer) return answer.error();
    // Its texts are for people, and may change: the number decides.
    if (answer->status == 400 || answer->status == 401 || answer->status == 403) {
        return Error::not_found(
            client_id.empty()
                ? fmt::format("the VM has no managed identity, or several and identityClientId names none "
                              "(HTTP {})",
                              answer->status)
                : fmt::format("the VM has no managed identity with the client id {} (HTTP {})", client_id,
                              answer->status),
            static_cast<long>(answer->status));
    }
    if (answer->status != 200) {
        return Error::timed_out(fmt::format("{} gives no token now (HTTP {})", metadata_name, answer->status),
                                static_cast<long>(answer->status));
    }
    const auto document = object_in(answer->body, "the token");
    Secret::wipe(answer->body);
    if (!document) return document.error();
    auto text = token_from_text(text_in(*document, "access_token"));
    if (!text) return text.error();
    // By the steady clock: the VM's own may be wrong. A year is more than any token lasts.
    const auto lasts =
        std::clamp<std::int64_t>(number_in(*document, "expires_in").value_or(300), 0, std::int64_t{366} * 86400);
    return Token{std::move(*text), waiting.now() + std::max(std::chrono::seconds(lasts) - margin, margin / 2)};
}

Result<Secret> token_from_text(std::string text) {
    constexpr std::size_t longest = std::size_t{64} << 10U;
    const auto begin = text.find_first_not_of(" \t\r\n");
    const auto end = text.find_last_not_of(" \t\r\n");
    if (begin == std::string::npos) return Error::invalid("there is no token");
    Secret token(text.substr(begin, end - begin + 1));
    Secret::wipe(text);
    const bool is_token = token.text().size() <= longest && std::ranges::all_of(token.text(), [](char c) {
                              return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                                     std::string_view("-._~+/=").find(c) != std::string_view::npos;
                          });
    if (!is_token) {
        return Error::invalid("this is no bearer token: one word of letters, digits and -._~+/= was expected");
    }
    return token;
}

}  // namespace machine::arm
