"""What can be measured of looks: evaluated in the editor's page."""

#: Texts that do not stand out from their ground, with their contrast ratio; below 4.5 is poor (WCAG AA).
CONTRAST = """() => {
    const parse = (text) => {
        const canvas = Object.assign(document.createElement('canvas'), {width: 1, height: 1}).getContext('2d');
        canvas.fillStyle = text;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data].map((value) => value / 255);
    };
    const over = (top, under) => top.slice(0, 3).map((value, i) => value * top[3] + under[i] * (1 - top[3])).concat(1);
    const ground = (element) => {
        if (!element) return [1, 1, 1, 1];
        const own = parse(getComputedStyle(element).backgroundColor);
        return own[3] >= 1 ? own : over(own, ground(element.parentElement));
    };
    const light = ([r, g, b]) => {
        const [R, G, B] = [r, g, b].map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
        return 0.2126 * R + 0.7152 * G + 0.0722 * B;
    };
    const poor = [];
    const textual = ':is(span, strong, button, p, h2, dt, dd, kbd, pre, summary, label)';
    for (const element of document.querySelectorAll(textual)) {
        const own = [...element.childNodes].filter((node) => node.nodeType === 3);
        const text = own.map((node) => node.data.trim()).join('');
        if (!text || !element.checkVisibility({checkOpacity: true})) continue;
        if (element.closest('button:disabled, .cn-visually-hidden')) continue;
        const style = getComputedStyle(element);
        const under = ground(element);
        const [a, b] = [light(over(parse(style.color), under)), light(under)].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05);
        if (ratio < 4.5) poor.push(`${text}: ${ratio.toFixed(2)}`);
    }
    return poor;
}"""
