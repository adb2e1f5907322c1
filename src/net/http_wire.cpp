#include "net/http_wire.h"

#include <fmt/format.h>

#include <array>

#include "base/encoding.h"

namespace selvage::net {
namespace {

struct Words {
    int status;
    std::string_view reason;
};
// RFC 9110 section 15, and 428 to 431 of RFC 6585.
constexpr std::array kReasons = {
    Words{100, "Continue"},
    Words{101, "Switching Protocols"},
    Words{200, "OK"},
    Words{201, "Created"},
    Words{202, "Accepted"},
    Words{204, "No Content"},
    Words{206, "Partial Content"},
    Words{301, "Moved Permanently"},
    Words{302, "Found"},
    Words{303, "See Other"},
    Words{304, "Not Modified"},
    Words{307, "Temporary Redirect"},
    Words{400, "Bad Request"},
    Words{401, "Unauthorized"},
    Words{403, "Forbidden"},
    Words{404, "Not Found"},
    Words{405, "Method Not Allowed"},
    Words{406, "Not Acceptable"},
    Words{408, "Request Timeout"},
    Words{409, "Conflict"},
    Words{410, "Gone"},
    Words{411, "Length Required"},
    Words{412, "Precondition Failed"},
    Words{413, "Content Too Large"},
    Words{414, "URI Too Long"},
    Words{415, "Unsupported Media Type"},
    Words{417, "Expectation Failed"},
    Words{422, "Unprocessable Content"},
    Words{426, "Upgrade Required"},
    Words{428, "Precondition Required"},
    Words{429, "Too Many Requests"},
    Words{431, "Request Header Fields Too Large"},
    Words{500, "Internal Server Error"},
    Words{501, "Not Implemented"},
    Words{502, "Bad Gateway"},
    Words{503, "Service Unavailable"},
    Words{504, "Gateway Timeout"},
    Words{507, "Insufficient Storage"},
};

bool has_control(std::string_view text) {
    for (const char c : text)
        if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) return true;
    return false;
}

// Fields that only this file writes.
bool is_framing(std::string_view name) {
    return equals_ignoring_case(name, "Content-Length") ||
           equals_ignoring_case(name, "Transfer-Encoding") ||
           equals_ignoring_case(name, "Connection");
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::string_view usual_reason(int status) {
    for (const auto& row : kReasons)
        if (row.status == status) return row.reason;
    return "Status";
}

Result<> check_fields(const HttpHeaders& headers) {
    for (const auto& [name, value] : headers.fields)
        if (name.empty() || has_control(name) || name.find_first_of(" \t:") != std::string::npos ||
            has_control(value))
            return fail(
                Errc::invalid_argument,
                fmt::format("header field '{}' cannot be sent as it is", percent_encode(name)));
    return {};
}

std::string response_head(const HttpResponse& response, BodyFraming framing,
                          std::string_view connection) {
    const std::string_view reason = response.reason.empty() || has_control(response.reason)
                                        ? usual_reason(response.status)
                                        : std::string_view(response.reason);
    std::string out = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason);
    for (const auto& [name, value] : response.headers.fields)
        if (!is_framing(name)) append_field(out, name, value);
    if (framing == BodyFraming::length)
        append_field(out, "Content-Length", std::to_string(response.stream_bytes.value_or(response.body.size())));
    if (framing == BodyFraming::chunked) append_field(out, "Transfer-Encoding", "chunked");
    if (!connection.empty()) append_field(out, "Connection", connection);
    out += "\r\n";
    return out;
}

Result<std::string> request_bytes(const HttpRequest& request, std::string_view host) {
    SELVAGE_CHECK(check_fields(request.headers));
    for (const auto text : {std::string_view(request.method), std::string_view(request.target)})
        if (text.empty() || has_control(text) ||
            text.find_first_of(" \t") != std::string_view::npos)
            return fail(Errc::invalid_argument,
                        fmt::format("'{}' cannot stand in a request line", percent_encode(text)));
    std::string out = fmt::format("{} {} HTTP/1.1\r\n", request.method, request.target);
    if (!request.headers.has("Host")) append_field(out, "Host", host);
    for (const auto& [name, value] : request.headers.fields)
        // A caller may ask for an upgrade; the framing stays ours.
        if (!is_framing(name) || equals_ignoring_case(name, "Connection"))
            append_field(out, name, value);
    const bool usual_body =
        request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
    if (usual_body || !request.body.empty())
        append_field(out, "Content-Length", std::to_string(request.body.size()));
    out += "\r\n";
    out += request.body;
    return out;
}

std::string chunk(std::string_view part) {
    return fmt::format("{:x}\r\n{}\r\n", part.size(), part);
}

HttpRequest to_request(const codec::http1::Head& head, Stream* peer) {
    HttpRequest request;
    request.method = head.method;
    request.target = head.target;
    request.headers.fields = head.fields;
    request.peer = peer;
    return request;
}

HttpResponse to_response(const codec::http1::Head& head) {
    HttpResponse response;
    response.status = head.status;
    response.reason = head.reason;
    response.headers.fields = head.fields;
    return response;
}

}  // namespace selvage::net
