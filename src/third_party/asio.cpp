// Asio's own sources, compiled once for the whole project (BOOST_ASIO_SEPARATE_COMPILATION).
#pragma clang diagnostic ignored "-Weverything"
#include <boost/asio/impl/src.hpp>
