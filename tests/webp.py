"""Small pictures for the documentation: Chromium writes WebP, a third of the PNG that it takes."""

import base64

from playwright.sync_api import Browser

QUALITY = 0.82

_TO_WEBP = """async ([png, quality]) => {
  const picture = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext("2d").drawImage(picture, 0, 0);
  const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: "image/webp", quality })).arrayBuffer());
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}"""


def webp(browser: Browser, png: bytes) -> bytes:
    """The same picture as WebP."""
    page = browser.new_page()
    made: str = page.evaluate(_TO_WEBP, [base64.b64encode(png).decode(), QUALITY])
    page.close()
    return base64.b64decode(made)
