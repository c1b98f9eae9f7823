//JAVA 25+

package stream.terminal;

/** The version of this tool. */
public final class Version {

    public static final String NUMBER = "0.1.0";

    private Version() { }
}
