//JAVA 25+
//SOURCES ../terminal/UserError.java

package stream.prompt;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

import stream.terminal.UserError;

/** A text file that a user wrote. */
public final class UserFile {

    private UserFile() { }

    /**
     * Decodes UTF-8; drops a byte-order mark and carriage returns, which belong to the file, not to its text.
     *
     * @throws UserError if it is not UTF-8
     */
    public static String decode(String place, byte[] bytes) {
        try {
            var text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
            return (text.startsWith("\uFEFF") ? text.substring(1) : text).replace("\r\n", "\n");
        } catch (CharacterCodingException e) {
            throw UserError.at(place, "not UTF-8 text; convert it first");
        }
    }
}
