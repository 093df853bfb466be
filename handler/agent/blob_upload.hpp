#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

#include "remediations/machine/local/https.hpp"

namespace handler {

/// The target of an upload to Azure Blob Storage: a URL with a shared access signature, which is a secret.
struct BlobTarget {
    std::string host;
    std::uint16_t port = 443;
    std::string path;   ///< "/container/blob"
    std::string query;  ///< the signature; never in a log, status or error

    /// Parses a URL. The URL of a container (sr=c) becomes that of the blob `name` in it. ErrorKind::invalid says what
    /// is wrong; it quotes nothing.
    static machine::Result<BlobTarget> parse(const std::string& url, const std::string& name);

    /// Returns the URL without the signature.
    std::string shown() const { return "https://" + host + path; }
};

struct UploadOptions {
    std::size_t block_size = std::size_t{4} << 20;  ///< bytes
    unsigned tries = 4;                             ///< for each request; the pause between them grows
    std::chrono::milliseconds first_pause = std::chrono::seconds(1);
    std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::now() + std::chrono::minutes(5);
    std::function<bool()> stop_requested = [] { return false; };
    std::function<void(std::size_t sent, std::size_t total)> progress = [](std::size_t, std::size_t) {};
    std::function<machine::Result<machine::HttpResponse>(const machine::local::HttpsRequest&)> https;
};

/// Sends `content` as a block blob: first the blocks, then their list, which makes the blob appear. Keeps the progress
/// in `progress_file`, so that a second call with the same content and target continues where the first one ended.
/// Removes that file when the blob is complete.
machine::Result<void> upload_blob(const BlobTarget& target, const std::string& content,
                                  const std::filesystem::path& progress_file, const UploadOptions& options);

}  // namespace handler
