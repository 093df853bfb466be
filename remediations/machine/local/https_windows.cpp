#include <windows.h>
#include <winhttp.h>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "remediations/machine/local/https.hpp"
#include "remediations/machine/windows/system_error.hpp"
#include "remediations/machine/windows/text.hpp"
#include "remediations/machine/windows/unique_handle.hpp"

namespace machine::local {

namespace {

using InternetHandle = windows::UniqueHandle<HINTERNET, &WinHttpCloseHandle>;

/// As on Linux: Resource Manager sends two URLs of 4 KiB each in one answer.
constexpr DWORD header_limit = 64U << 10U;

/// The system has no texts for the errors of WinHTTP.
Error failure(const HttpsRequest& request, DWORD code) {
    const auto with = [&](ErrorKind kind, std::string_view step) {
        return Error{kind, fmt::format("{} {}:{}: WinHTTP error {}", step, request.host, request.port, code),
                     static_cast<long>(code)};
    };
    switch (code) {
        case ERROR_WINHTTP_NAME_NOT_RESOLVED:
            return with(ErrorKind::unreachable, "cannot resolve the name of");
        case ERROR_WINHTTP_CANNOT_CONNECT:
            return with(ErrorKind::refused, "cannot connect to");
        case ERROR_WINHTTP_SECURE_FAILURE:
        case ERROR_WINHTTP_SECURE_CHANNEL_ERROR:
        case ERROR_WINHTTP_SECURE_INVALID_CA:
        case ERROR_WINHTTP_SECURE_INVALID_CERT:
        case ERROR_WINHTTP_SECURE_CERT_CN_INVALID:
        case ERROR_WINHTTP_SECURE_CERT_DATE_INVALID:
        case ERROR_WINHTTP_SECURE_CERT_REVOKED:
        case ERROR_WINHTTP_SECURE_CERT_REV_FAILED:
        case ERROR_WINHTTP_SECURE_CERT_WRONG_USAGE:
            return with(ErrorKind::failed, "no trusted TLS connection to");
        case ERROR_WINHTTP_TIMEOUT:
            return with(ErrorKind::timed_out, "no HTTP answer in time from");
        default:
            return with(ErrorKind::failed, "no HTTP answer from");
    }
}

Error too_large(const HttpsRequest& request, std::string_view what) {
    return Error::too_large(fmt::format("the answer's {} are too long from {}:{}", what, request.host, request.port));
}

/// Returns all header lines of the answer, the status line first.
Result<std::multimap<std::string, std::string>> headers_of(HINTERNET call, const HttpsRequest& request) {
    DWORD size = 0;
    WinHttpQueryHeaders(call, WINHTTP_QUERY_RAW_HEADERS_CRLF, WINHTTP_HEADER_NAME_BY_INDEX, WINHTTP_NO_OUTPUT_BUFFER,
                        &size, WINHTTP_NO_HEADER_INDEX);
    if (GetLastError() != ERROR_INSUFFICIENT_BUFFER) return failure(request, GetLastError());
    if (size > header_limit * sizeof(wchar_t)) return too_large(request, "headers");
    std::wstring lines(size / sizeof(wchar_t), L'\0');
    if (!WinHttpQueryHeaders(call, WINHTTP_QUERY_RAW_HEADERS_CRLF, WINHTTP_HEADER_NAME_BY_INDEX, lines.data(), &size,
                             WINHTTP_NO_HEADER_INDEX)) {
        return failure(request, GetLastError());
    }
    std::multimap<std::string, std::string> headers;
    const auto text = windows::to_utf8(lines);
    for (std::size_t begin = 0; begin < text.size();) {
        const auto end = std::min(text.find("\r\n", begin), text.size());
        const auto line = text.substr(begin, end - begin);
        begin = end + 2;
        const auto colon = line.find(':');
        if (colon == std::string::npos) continue;
        auto name = line.substr(0, colon);
        std::ranges::transform(name, name.begin(),
                               [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
        const auto value = line.find_first_not_of(" \t", colon + 1);
        headers.emplace(std::move(name), value == std::string::npos ? std::string() : line.substr(value));
    }
    return headers;
}

/// WinHTTP may end a body early without an error.
bool is_cut_short(const HttpsResponse& response, const HttpsRequest& request) {
    const auto announced = response.header("content-length");
    std::uint64_t length = 0;
    const auto parsed = std::from_chars(announced.data(), announced.data() + announced.size(), length);
    return request.method != "HEAD" && !announced.empty() && parsed.ec == std::errc() && response.body.size() < length;
}

}  // namespace

Result<HttpsResponse> https(const HttpsRequest& request, const std::filesystem::path& authorities) {
    if (!authorities.empty()) {
        return Error::unsupported("Windows trusts the authorities of its certificate store alone");
    }
    const auto method = windows::to_wide_name(request.method);
    const auto host = windows::to_wide_name(request.host);
    const auto target = windows::to_wide_name(request.target);
    std::string header_lines;
    for (const auto& [name, value] : request.headers) header_lines += fmt::format("{}: {}\r\n", name, value);
    const auto headers = windows::to_wide_name(header_lines);
    if (!method || !host || !target || !headers) return Error::invalid("a request that is not UTF-8");

    const InternetHandle session(WinHttpOpen(L"backup-remediation", WINHTTP_ACCESS_TYPE_DEFAULT_PROXY,
                                             WINHTTP_NO_PROXY_NAME, WINHTTP_NO_PROXY_BYPASS, 0));
    if (!session) return windows::last_error("use", "WinHTTP");
    const auto deadline = std::chrono::steady_clock::now() + request.timeout;
    const auto limit = static_cast<int>(request.timeout.count());
    WinHttpSetTimeouts(session.get(), limit, limit, limit, limit);
    DWORD protocols = WINHTTP_FLAG_SECURE_PROTOCOL_TLS1_2;
    WinHttpSetOption(session.get(), WINHTTP_OPTION_SECURE_PROTOCOLS, &protocols, sizeof protocols);
    const InternetHandle connection(WinHttpConnect(session.get(), host->c_str(), request.port, 0));
    if (!connection) return windows::last_error("name", request.host);
    const InternetHandle call(WinHttpOpenRequest(connection.get(), method->c_str(), target->c_str(), nullptr,
                                                 WINHTTP_NO_REFERER, WINHTTP_DEFAULT_ACCEPT_TYPES,
                                                 WINHTTP_FLAG_SECURE | WINHTTP_FLAG_ESCAPE_DISABLE));
    if (!call) return windows::last_error("ask", request.host);
    DWORD no_redirects = WINHTTP_OPTION_REDIRECT_POLICY_NEVER;
    WinHttpSetOption(call.get(), WINHTTP_OPTION_REDIRECT_POLICY, &no_redirects, sizeof no_redirects);
    const auto length = static_cast<DWORD>(request.body.size());
    if (!WinHttpSendRequest(call.get(), headers->c_str(), static_cast<DWORD>(headers->size()),
                            const_cast<char*>(request.body.data()), length, length, 0) ||
        !WinHttpReceiveResponse(call.get(), nullptr)) {
        return failure(request, GetLastError());
    }
    HttpsResponse response;
    DWORD status = 0;
    DWORD size = sizeof status;
    if (!WinHttpQueryHeaders(call.get(), WINHTTP_QUERY_STATUS_CODE | WINHTTP_QUERY_FLAG_NUMBER,
                             WINHTTP_HEADER_NAME_BY_INDEX, &status, &size, WINHTTP_NO_HEADER_INDEX)) {
        return failure(request, GetLastError());
    }
    response.status = status;
    auto all_headers = headers_of(call.get(), request);
    if (!all_headers) return all_headers.error();
    response.headers = std::move(*all_headers);
    response.date = response.header("date");
    std::string part(std::size_t{64} << 10, '\0');
    for (DWORD count = 1; count > 0;) {
        if (!WinHttpReadData(call.get(), part.data(), static_cast<DWORD>(part.size()), &count)) {
            return failure(request, GetLastError());
        }
        if (std::chrono::steady_clock::now() > deadline) return failure(request, ERROR_WINHTTP_TIMEOUT);
        response.body.append(part, 0, count);
        if (response.body.size() > request.body_limit) return too_large(request, "contents");
    }
    if (is_cut_short(response, request)) return failure(request, ERROR_WINHTTP_CONNECTION_ERROR);
    return response;
}

}  // namespace machine::local
