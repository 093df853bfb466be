#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

#include "remediations/machine/local/https.hpp"

namespace handler {

/// Where in Azure Blob Storage something may be written: a URL with a shared access signature, which is a secret.
struct BlobTarget {
    std::string host;
    std::uint16_t port = 443;
    std::string path;   ///< "/container/blob"
    std::string query;  ///< the signature; in no log, status or error

    /// Of a container (sr=c) it becomes the blob `name` in it. ErrorKind::invalid says what is wrong, and quotes
    /// nothing.
    static machine::Result<BlobTarget> parse(const std::string& url, const std::string& name);

    /// Without the signature.
    std::string shown() const { return "https://" + host + path; }
};

struct UploadOptions {
    std::size_t block_size = std::size_t{4} << 20;  ///< bytes
    unsigned tries = 4;                             ///< of each request, with a longer pause after each
    std::chrono::milliseconds first_pause = std::chrono::seconds(1);
    std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::now() + std::chrono::minutes(5);
    std::function<bool()> stop_requested = [] { return false; };
    std::function<void(std::size_t sent, std::size_t total)> progress = [](std::size_t, std::size_t) {};
    std::function<machine::Result<machine::HttpResponse>(const machine::local::HttpsRequest&)> https;
};

/// Sends `content` as a block blob: block by block, then the list of them, which alone makes the blob appear. How far
/// it came is kept in `progress_file`, so that a second call with the same content and target goes on where the first
/// ended; the file goes when the blob is whole.
machine::Result<void> upload_blob(const BlobTarget& target, const std::string& content,
                                  const std::filesystem::path& progress_file, const UploadOptions& options);

}  // namespace handler
