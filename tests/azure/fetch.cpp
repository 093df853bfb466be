// fetch PORT AUTHORITIES BODY-LIMIT [PROXY]: asks https://localhost:PORT/ and prints what came as one JSON object.
#include <boost/json.hpp>
#include <iostream>
#include <string>

#include "remediations/machine/local/https.hpp"

int main(int count, char** words) {
    if (count < 4) return 2;
    namespace json = boost::json;
    machine::local::HttpsRequest request;
    request.method = "GET";
    request.host = "localhost";
    request.port = static_cast<std::uint16_t>(std::stoul(words[1]));
    request.target = "/";
    request.timeout = std::chrono::seconds(10);
    request.body_limit = std::stoul(words[3]);
    if (count > 4) request.proxy = words[4];
    const auto answer = machine::local::https(request, words[2]);
    if (!answer) {
        std::cout << json::serialize(
            json::object{{"kind", static_cast<int>(answer.error().kind)}, {"error", answer.error().message}});
        return 1;
    }
    json::array headers;
    for (const auto& [name, value] : answer->headers) headers.push_back(json::array{name, value});
    std::cout << json::serialize(json::object{
        {"status", answer->status}, {"size", answer->body.size()}, {"date", answer->date}, {"headers", headers}});
    return 0;
}
