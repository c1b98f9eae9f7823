//JAVA 25+

package stream.report;

/**
 * How a picture looks.
 *
 * @param scale how many pixels a unit has, from 1 to 4
 * @param dark  whether it is light on dark
 * @param title null for the sentence of the comparison
 */
public record PictureSettings(int scale, boolean dark, String title) {

    static final PictureSettings DEFAULT = new PictureSettings(1, false, null);

    String ground() {
        return dark ? "#0d1117" : "#ffffff";
    }

    String ink() {
        return dark ? "#e6edf3" : "#1b1f24";
    }

    String soft() {
        return dark ? "#9aa4af" : "#57606a";
    }

    String line() {
        return dark ? "#30363d" : "#d8dee4";
    }
}
