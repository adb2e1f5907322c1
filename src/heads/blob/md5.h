// The MD5 of a body, for clients that send it along (Content-MD5). It finds accidents, not forgeries.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace selvage::heads::blob {

class Md5 {
public:
    Md5();
    ~Md5();
    void add(std::string_view bytes);
    // base64; once, at the end.
    std::string finish();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace selvage::heads::blob
