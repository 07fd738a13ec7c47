package request

import (
	"bytes"
	"compress/gzip"
	"errors"
	"net/http"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/evovoice-gateway/caddy-conference-members/rules"
)

// coding is a content coding, RFC 9110 section 8.4.1.
type coding uint8

const (
	identity coding = iota
	gzipped
	zstandard
)

// codings are the names of the content codings that are unpacked.
var codings = map[string]coding{
	"gzip":   gzipped,
	"x-gzip": gzipped, // RFC 9110 section 8.4.1.3
	"zstd":   zstandard,
}

// maxWindow is the largest window of a zstd stream, RFC 9659 section 3. None is
// allocated: the stream is unpacked in one piece.
const maxWindow = 8 << 20

// maxBlock is the largest block of a zstd stream, RFC 8878 section 3.1.1.2.4.
const maxBlock = 128 << 10

// codingOf returns the one content coding of a body. Several in a row are not
// unpacked.
func codingOf(h http.Header) (c coding, ok bool) {
	for _, line := range h["Content-Encoding"] {
		for name := range strings.SplitSeq(line, ",") {
			name = lowered(strings.TrimSpace(name))
			if name == "" || name == "identity" {
				continue
			}
			found, known := codings[name]
			if !known || c != identity {
				return identity, false
			}
			c = found
		}
	}
	return c, true
}

// unpack unpacks a body into buf, and little beyond the limit at most.
func (b *binding) unpack(c coding, packed []byte, buf *[]byte) bool {
	var err error
	limit := b.reader.maxBody() + 1
	if c == gzipped {
		*buf, err = b.reader.appendGunzipped(*buf, packed, limit)
	} else {
		*buf, err = b.reader.appendUnzstd(*buf, packed, limit)
	}
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), int64(len(*buf)) >= limit:
		b.tooLarge("unpacks to be")
		return false
	case err != nil:
		b.violate(rules.MalformedEncoding, "The body can't be unpacked as its Content-Encoding says.")
		return false
	}
	return true
}

// appendGunzipped unpacks one or more gzip members, RFC 1952 section 2.2, with
// nothing after them.
func (rd *Reader) appendGunzipped(dst, packed []byte, limit int64) ([]byte, error) {
	src := bytes.NewReader(packed)
	z := rd.gunzip()
	if z == nil {
		var err error
		if z, err = gzip.NewReader(src); err != nil {
			return dst, err
		}
	} else if err := z.Reset(src); err != nil {
		return dst, err
	}
	defer rd.gunzips.Put(z)
	return appendAll(dst, z, limit)
}

// appendUnzstd unpacks one or more zstd frames, RFC 8878 section 3.
func (rd *Reader) appendUnzstd(dst, packed []byte, limit int64) ([]byte, error) {
	rd.zstdOnce.Do(func() {
		rd.zstd, rd.zstdErr = zstd.NewReader(nil,
			zstd.WithDecoderLowmem(true),
			// The capacity of dst limits the output. The memory option would
			// limit the window too, and a small body may well declare a window
			// of megabytes.
			zstd.WithDecodeAllCapLimit(true),
			zstd.WithDecoderMaxWindow(maxWindow))
	})
	if rd.zstdErr != nil {
		return dst, rd.zstdErr
	}
	// A block that does not fit is refused whole, so there is room for one
	// beyond the limit: what is larger is known by its length.
	if limit += maxBlock; int64(cap(dst)) < limit {
		dst = make([]byte, 0, limit)
	}
	return rd.zstd.DecodeAll(packed, dst[:0:limit])
}
