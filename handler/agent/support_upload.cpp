#include "handler/agent/support_upload.hpp"

#include <algorithm>
#include <optional>

#include "handler/report/paths.hpp"
#include "handler/report/status.hpp"
#include "remediations/machine/local/durable_file.hpp"

namespace handler {

using machine::Result;

namespace {

constexpr auto blocks_are_kept_for = std::chrono::hours(6 * 24);
constexpr std::size_t largest_bundle = std::size_t{256} << 20;

/// Returns a name that is valid for a file and for a blob on every system.
std::string blob_name(std::string host_name) {
    const auto unfit = [](char c) {
        return !((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-');
    };
    std::ranges::replace_if(host_name, unfit, '-');
    auto time = utc_text(std::chrono::system_clock::now());
    std::erase_if(time, [](char character) { return character == '-' || character == ':'; });
    return "backup-remediation-" + host_name.substr(0, 60) + "-" + time + ".zip";
}

/// The bundle that an earlier call left, and its name.
struct Pending {
    std::string name;
    std::string content;
};

std::optional<Pending> pending_in(const std::filesystem::path& folder) {
    std::error_code code;
    for (std::filesystem::directory_iterator entry(folder, code), end; !code && entry != end; entry.increment(code)) {
        if (entry->path().extension() != ".zip") continue;
        const auto age = std::filesystem::file_time_type::clock::now() - entry->last_write_time(code);
        auto content = machine::local::read_file(entry->path(), largest_bundle);
        if (!code && content && age < blocks_are_kept_for) {
            return Pending{to_text(entry->path().filename()), std::move(*content)};
        }
    }
    return std::nullopt;
}

}  // namespace

Result<std::string> upload_support_bundle(const std::string& url, const std::string& host_name,
                                          const std::filesystem::path& folder,
                                          const std::function<Result<std::string>()>& make_bundle,
                                          const UploadOptions& options) {
    if (auto made = machine::local::make_private_folder(folder); !made) return made.error();
    auto pending = pending_in(folder);
    if (!pending) {
        auto content = make_bundle();
        if (!content) return content.error();
        std::error_code ignored;
        std::filesystem::remove_all(folder, ignored);
        if (auto made = machine::local::make_private_folder(folder); !made) return made.error();
        pending = Pending{blob_name(host_name), std::move(*content)};
        // Without it on disk nothing can be resumed, but all can be sent.
        (void)machine::local::write_durably(folder / pending->name, pending->content);
    }
    const auto target = BlobTarget::parse(url, pending->name);
    if (!target) return target.error();
    const auto sent = upload_blob(*target, pending->content, folder / "upload.json", options);
    if (!sent) return sent.error();
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    return target->shown();
}

}  // namespace handler
