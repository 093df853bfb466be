// Sends a file as the extension sends a support bundle. AUTHORITIES is a PEM file with all that are trusted, or ""
// for those of this computer.
//   upload URL FILE PROGRESS-FILE AUTHORITIES BLOCK-SIZE
// Prints how far it came; exit code 0 when the blob is whole.
#include <fmt/format.h>

#include <iostream>

#include "handler/agent/blob_upload.hpp"
#include "handler/report/paths.hpp"
#include "remediations/machine/local/durable_file.hpp"

int main(int count, char** arguments) {
    if (count != 6) {
        std::cerr << "upload URL FILE PROGRESS-FILE AUTHORITIES BLOCK-SIZE\n";
        return 2;
    }
    const auto target = handler::BlobTarget::parse(arguments[1], "bundle.zip");
    const auto content = machine::local::read_file(handler::to_path(arguments[2]));
    if (!target || !content) {
        std::cerr << (target ? content.error() : target.error()).message << "\n";
        return 2;
    }
    handler::UploadOptions options;
    options.block_size = std::stoul(arguments[5]);
    options.first_pause = std::chrono::milliseconds(50);
    options.https = [&](const machine::local::HttpsRequest& request) -> machine::Result<machine::HttpResponse> {
        auto answer = machine::local::https(request, handler::to_path(arguments[4]));
        if (!answer) return answer.error();
        return machine::HttpResponse(std::move(*answer));
    };
    options.progress = [](std::size_t sent, std::size_t total) {
        std::cout << fmt::format("{} of {}", sent, total) << std::endl;
    };
    const auto sent = handler::upload_blob(*target, *content, handler::to_path(arguments[3]), options);
    if (sent) return 0;
    std::cerr << sent.error().message << "\n";
    return 1;
}
