//JAVA 25+
//DEPS com.squareup.okio:okio-jvm:3.18.1
//SOURCES EventFields.java

package stream.api;

import java.io.IOException;

import okio.Buffer;
import okio.ByteString;

/** Reads events line by line. Without state, so that several threads may share it. */
final class LineFields implements EventFields {

    private static final ByteString DATA = ByteString.encodeUtf8("data");
    private static final ByteString TYPE = ByteString.encodeUtf8("event");

    @Override
    public void read(Buffer whole, Receiver receiver) throws IOException {
        String data = null;
        String type = null;
        for (long length; (length = whole.indexOf((byte) '\n')) >= 0; ) {
            if (length == 0) {
                whole.skip(1);
                if (data != null && !receiver.event(type, data)) {
                    return;
                }
                data = null;
                type = null;
            } else if (isField(whole, DATA, length)) {
                var value = value(whole, DATA, length);
                data = data == null ? value : data + "\n" + value;
            } else if (isField(whole, TYPE, length)) {
                var value = value(whole, TYPE, length);
                type = value.isEmpty() ? null : value;
            } else {
                whole.skip(length + 1); // a comment, an id, the time after which a browser would connect again, or an unknown field
            }
        }
    }

    private static boolean isField(Buffer whole, ByteString name, long length) {
        return whole.rangeEquals(0, name) && (length == name.size() || whole.getByte(name.size()) == ':');
    }

    /** Takes a line, and returns what follows its name, without the colon and one space. */
    private static String value(Buffer whole, ByteString name, long length) throws IOException {
        long begin = Math.min(length, name.size() + 1);
        begin += begin < length && whole.getByte(begin) == ' ' ? 1 : 0;
        whole.skip(begin);
        var value = whole.readUtf8(length - begin);
        whole.skip(1);
        return value;
    }
}
