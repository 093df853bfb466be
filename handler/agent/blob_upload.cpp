#include "handler/agent/blob_upload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <thread>

#include "handler/report/paths.hpp"
#include "remediations/formats/json.hpp"
#include "remediations/formats/zip_archive.hpp"
#include "remediations/machine/local/durable_file.hpp"

namespace handler {

namespace json = boost::json;
using machine::Error;
using machine::ErrorKind;
using machine::HttpResponse;
using machine::Result;
using machine::local::HttpsRequest;

namespace {

Error invalid(std::string what) {
    return machine::Error::invalid(std::move(what));
}

/// Returns the value of a parameter in a query, without decoding it.
std::string_view parameter(std::string_view query, std::string_view name) {
    while (!query.empty()) {
        const auto end = std::min(query.find('&'), query.size());
        const auto one = query.substr(0, end);
        if (one.starts_with(name) && one.substr(name.size()).starts_with('=')) return one.substr(name.size() + 1);
        query.remove_prefix(std::min(end + 1, query.size()));
    }
    return {};
}

/// Returns the id of a block. All ids of a blob must have the same length and be base64; eight digits are valid base64.
std::string block_id(std::size_t number) {
    return fmt::format("{:08}", number);
}

bool is_worth_another_try(const Result<HttpResponse>& answer) {
    if (!answer) return answer.error().kind != ErrorKind::invalid && answer.error().kind != ErrorKind::not_found;
    return answer->status >= 500 || answer->status == 408 || answer->status == 429;
}

Error refusal(const BlobTarget& target, unsigned status) {
    const auto why = [&]() -> std::string {
        if (status == 403) return "the signature has expired, or does not allow to create and write";
        if (status == 404) return "the container does not exist";
        if (status == 409) return "a blob of another kind is there, or it is leased";
        return "it was not accepted";
    }();
    return machine::Error::refused(fmt::format("{} answered {}: {}", target.shown(), status, why));
}

class Upload {
public:
    Upload(const BlobTarget& target, const std::string& content, const std::filesystem::path& progress_file,
           const UploadOptions& options)
        : target_(target),
          content_(content),
          progress_file_(progress_file),
          options_(options),
          checksum_(remediations::crc32_of(content)) {}

    Result<void> send() {
        auto sent = send_from(sent_before());
        // Blocks that were never listed are kept for a week.
        if (!sent && sent.error().kind == ErrorKind::not_found) sent = send_from(0);
        if (!sent) return sent;
        std::error_code ignored;
        std::filesystem::remove(progress_file_, ignored);
        return {};
    }

private:
    std::size_t count() const { return (content_.size() + options_.block_size - 1) / options_.block_size; }

    json::object state(std::size_t blocks) const {
        return {{"blob", target_.shown()},
                {"size", content_.size()},
                {"checksum", checksum_},
                {"blockSize", options_.block_size},
                {"blocks", blocks}};
    }

    /// Returns how many blocks an earlier call sent of the same content to the same blob.
    std::size_t sent_before() const {
        constexpr std::size_t largest = std::size_t{64} << 10;
        const auto text = machine::local::read_file(progress_file_, largest);
        const auto document =
            text ? remediations::parse_json(*text, to_text(progress_file_)) : Result<json::value>(text.error());
        if (!document || !document->is_object()) return 0;
        const auto* blocks = document->get_object().if_contains("blocks");
        if (!blocks || !blocks->is_int64() || blocks->get_int64() < 0) return 0;
        const auto sent = std::min(static_cast<std::size_t>(blocks->get_int64()), count());
        // Numbers that are read are signed, those that are written are not: compared as text.
        return json::serialize(state(sent)) == json::serialize(*document) ? sent : 0;
    }

    Result<void> send_from(std::size_t first) {
        for (auto number = first; number < count(); ++number) {
            options_.progress(std::min(number * options_.block_size, content_.size()), content_.size());
            const auto part = content_.substr(number * options_.block_size, options_.block_size);
            if (auto put = ask("&comp=block&blockid=" + block_id(number), part, false); !put) return put;
            const auto kept = machine::local::write_durably(progress_file_, json::serialize(state(number + 1)));
            if (!kept) return kept;
        }
        options_.progress(content_.size(), content_.size());
        std::string list = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>";
        for (std::size_t number = 0; number < count(); ++number) {
            list += fmt::format("<Uncommitted>{}</Uncommitted>", block_id(number));
        }
        return ask("&comp=blocklist", list + "</BlockList>", true);
    }

    Result<void> ask(const std::string& operation, const std::string& body, bool is_list) {
        HttpsRequest request;
        request.method = "PUT";
        request.host = target_.host;
        request.port = target_.port;
        request.target = target_.path + "?" + target_.query + operation;
        request.headers = {{"Content-Type", is_list ? "application/xml" : "application/octet-stream"}};
        if (is_list) request.headers.emplace_back("x-ms-blob-content-type", "application/zip");
        request.body = body;
        auto pause = options_.first_pause;
        for (unsigned attempt = 1;; ++attempt, pause *= 2) {
            const auto left = options_.deadline - std::chrono::steady_clock::now();
            if (left <= left.zero()) return machine::Error::timed_out("the time for it was used up");
            if (options_.stop_requested()) return machine::Error::timed_out("the extension was disabled");
            request.timeout = std::min(request.timeout, std::chrono::ceil<std::chrono::milliseconds>(left));
            const auto answer = options_.https(request);
            if (answer && answer->status / 100 == 2) return {};
            if (answer && answer->status == 400 && is_list) {
                return machine::Error::not_found("the blob service no longer has all of its blocks");
            }
            if (attempt >= options_.tries || !is_worth_another_try(answer)) {
                return answer ? refusal(target_, answer->status) : answer.error();
            }
            std::this_thread::sleep_for(std::min<std::chrono::steady_clock::duration>(pause, left));
        }
    }

    const BlobTarget& target_;
    const std::string& content_;
    const std::filesystem::path& progress_file_;
    const UploadOptions& options_;
    std::uint32_t checksum_;
};

}  // namespace

Result<BlobTarget> BlobTarget::parse(const std::string& url, const std::string& name) {
    constexpr std::string_view scheme = "https://";
    const auto unfit = [](char c) {
        return static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) >= 127;
    };
    if (!url.starts_with(scheme)) return invalid("expected a URL that begins with https://");
    if (std::ranges::any_of(url, unfit) || url.find('#') != url.npos) return invalid("not a URL");
    const auto path = url.find('/', scheme.size());
    const auto query = url.find('?');
    if (path == url.npos || query == url.npos || query < path + 2) {
        return invalid("expected https://<account>.blob.core.windows.net/<container>?<signature>");
    }
    BlobTarget target;
    target.host = url.substr(scheme.size(), path - scheme.size());
    target.path = url.substr(path, query - path);
    target.query = url.substr(query + 1);
    if (const auto colon = target.host.rfind(':'); colon != target.host.npos) {
        const auto digits = target.host.substr(colon + 1);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), target.port);
        if (error != std::errc() || end != digits.data() + digits.size() || target.port == 0) {
            return invalid("the port is no number");
        }
        target.host.resize(colon);
    }
    if (target.host.empty() || target.host.find('@') != target.host.npos) return invalid("not a host name");
    if (parameter(target.query, "sig").empty()) return invalid("it has no signature (sig=): expected a SAS URL");
    if (parameter(target.query, "sr") == "c") {
        while (target.path.ends_with('/')) target.path.pop_back();
        target.path += "/" + name;
    }
    return target;
}

Result<void> upload_blob(const BlobTarget& target, const std::string& content,
                         const std::filesystem::path& progress_file, const UploadOptions& options) {
    return Upload(target, content, progress_file, options).send();
}

}  // namespace handler
