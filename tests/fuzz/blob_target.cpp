// A SAS URL from protected settings, and the HTML that a report makes of any text.
#include "handler/agent/blob_upload.hpp"
#include "handler/report/html.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    const auto target = handler::BlobTarget::parse(std::string(text), "bundle.zip");
    if (target) {
        fuzz::require(!target->host.empty() && target->port != 0 && target->path.starts_with('/'));
        fuzz::require(target->path.find('?') == std::string::npos);
        fuzz::require((target->host + target->path + target->query).find_first_of("\r\n #") == std::string::npos);
    }
    const auto html = handler::Html(text).markup();
    fuzz::require(html.find_first_of("<>\"'\n\r") == std::string::npos);
    return 0;
}
