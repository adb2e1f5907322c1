// HTTP messages as bytes: heads written, and the parser's heads as requests and responses. Private
// to net.
#pragma once

#include <string>
#include <string_view>

#include "codec/http1/http1.h"
#include "net/http.h"

namespace selvage::net {

// "Not Found" for 404; never empty, as some clients insist on words.
std::string_view usual_reason(int status);

// Whether no line break or other control character is in a name, value or target: with one, a value
// could end the head.
Result<> check_fields(const HttpHeaders& headers);

// How the body behind a response's head is told from the next response.
enum class BodyFraming { none, length, chunked, until_close };

// Status line and fields, up to the empty line. `connection` is the Connection field's value; empty
// leaves it out.
std::string response_head(const HttpResponse& response, BodyFraming framing,
                          std::string_view connection);

// Request line and fields with Host and Content-Length, then the body. Errors: invalid_argument (a
// control character).
Result<std::string> request_bytes(const HttpRequest& request, std::string_view host);

// One chunk: its size line, `part` (not empty), its end.
std::string chunk(std::string_view part);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

HttpRequest to_request(const codec::http1::Head& head, Stream* peer);
HttpResponse to_response(const codec::http1::Head& head);

}  // namespace selvage::net
